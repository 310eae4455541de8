# The part of script/package that runs in a work folder, as a user who may start servers:
#   package.sh WORK TEST...
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$1
shift
src=$work/src
for name in $(compgen -e | grep '^PG' || true); do unset "$name"; done
unset MAKEFLAGS MFLAGS MAKELEVEL TZ

cd "$src"
# -d: server-dev-all needs the headers of every version, but those of the versions that are built are enough.
{
  pg_buildext updatecontrol &&
    DEB_BUILD_OPTIONS="noautodbgsym parallel=${RETENTION_JOBS:-$(nproc)}" dpkg-buildpackage -d -b --no-sign
} >"$work/log" 2>&1 || {
  tail -n 40 "$work/log"
  fail "the packages could not be built"
}

passed=0 failed=0
judge() { # NAME STATUS
  if [ "$2" = 0 ]; then
    say "ok $1"
    passed=$((passed + 1))
  else
    say "not ok $1"
    failed=$((failed + 1))
  fi
}

for package in "$work"/postgresql-*-retention_*.deb; do
  [ -e "$package" ] || fail "no package was built"
  version=$(basename "$package" | cut -d- -f2)
  place=$work/pg-$version
  pg_config=$(private_server "$place" "/usr/lib/postgresql/$version/bin/pg_config")
  bin=$("$pg_config" --bindir)
  find "$place" -name 'retention*' -delete
  dpkg-deb -x "$package" "$place"
  start_server "$bin" "$work/data-$version" "$work/socket" "$work/server-$version.log" "autovacuum = off"
  status=0
  "$bin/psql" -X -q -h "$work/socket" -U postgres -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION retention' postgres || status=$?
  judge "$version: CREATE EXTENSION" "$status"
  tests=("$@")
  [ "$#" != 0 ] || read -ra tests < <(make_variable "$src" "$pg_config" REGRESS)
  mkdir "$work/results-$version"
  for name in "${tests[@]}"; do
    status=0
    (cd "$work/results-$version" && "$(dirname "$("$pg_config" --pgxs)")/../test/regress/pg_regress" --bindir="$bin" \
      --host="$work/socket" --user=postgres --inputdir="$src" --outputdir=. --load-extension=retention "$name") >"$work/log" 2>&1 || status=$?
    judge "$version: $name" "$status"
    [ "$status" = 0 ] || sed 's/^/    /' "$work/results-$version/regression.diffs" "$work/log" | head -n 100
  done
  "$bin/pg_ctl" -D "$work/data-$version" -m fast stop >/dev/null
done
say "$passed passed, $failed failed"
[ "$failed" = 0 ]
