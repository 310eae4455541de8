# Builds PostgreSQL with assertions, for one of the memory gates, from Debian's source package:
#   assert_server.sh FOLDER VERSION GATE
# Uses package lists of its own, so that the machine's sources stay as they are. Runs as the user who owns FOLDER.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$1 version=$2 gate=$3
apt=$folder/apt
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/build"
cd "$folder/build"

# The sources of Debian and of PostgreSQL's own repository, as source packages.
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] || continue
  # By stanza: only those of Debian and of PostgreSQL.
  perl -00 -ne 's/^#.*\n//mg; print if s/^Types:.*/Types: deb-src/m && m{^URIs:.*(debian|postgresql)}m' "$file" >"$apt/parts/$(basename "$file")"
done
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
  sed -n -E '/debian|postgresql/s/^deb([[:space:]])/deb-src\1/p' >"$apt/parts/lines.list" || true
options=(-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o Dir::State::lists="$apt/lists"
  -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=)

run() { # prints the output only if the command fails
  "$@" >>"$folder/log" 2>&1 || {
    tail -n 40 "$folder/log" | hide_hosts
    return 1
  }
}

run apt-get "${options[@]}" update || say "not every package list could be read; going on"
# A suite may list a version that its mirror no longer has.
tarball=
for package in $(apt-cache "${options[@]}" showsrc "postgresql-$version" | sed -n 's/^Version: //p' | sort -rV | uniq); do
  apt-get "${options[@]}" source --download-only --tar-only "postgresql-$version=$package" >>"$folder/log" 2>&1 || continue
  tarball=$(ls postgresql-"$version"_*.orig.tar.* 2>/dev/null | grep -v '\.asc$' | head -n 1)
  [ -z "$tarball" ] || break
done
[ -n "$tarball" ] || {
  tail -n 20 "$folder/log" | hide_hosts
  fail "no source package of PostgreSQL $version could be fetched"
}
say "source: $tarball"
tar xf "$tarball"
source=$(ls -d "$folder"/build/postgresql-*/)
flags=-DUSE_VALGRIND
if [ "$gate" = asan ]; then
  flags=
  # AddressSanitizer knows what malloc returns, so each chunk of an allocation set is allocated by itself. (As in 15.)
  perl -0pi -e '
    s/(set->allocChunkLimit >>= 1;)/$1\n\tset->allocChunkLimit = 0;/ or die "no limit of chunks";
    s/if \(size > set->allocChunkLimit\)(\s*\{\s*)chunk_size = MAXALIGN\(size\);/if (true)$1chunk_size = MAXALIGN(Max(size, 1));/
      or die "no large chunks";
  ' "${source}src/backend/utils/mmgr/aset.c"
fi
mkdir obj
cd obj
run "${source}configure" --prefix="$folder/server" --enable-cassert --enable-debug --without-icu --without-readline \
  --without-zlib CFLAGS="-Og -g -fno-omit-frame-pointer" CPPFLAGS="$flags"
run make -s -j"${RETENTION_JOBS:-$(nproc)}"
run make -s install
run make -s -C src/test/isolation install
cp "${source}src/tools/valgrind.supp" "$folder/"
cd "$folder"
rm -rf build apt
touch complete
