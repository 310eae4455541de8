# Builds the plain extension into a private server and starts it with an empty database:
#   serve.sh WORK PG_CONFIG DATABASE [SETTING...]
# Leaves the server's programs at WORK/bin and its socket in WORK/socket. Run as a user who may start servers.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$1 original=$2 database=$3
shift 3
for name in $(compgen -e | grep '^PG' || true); do unset "$name"; done

pg_config=$(private_server "$work/pg" "$original")
bin=$("$pg_config" --bindir)
mkdir -p "$work/build"
cd "$work/build"
make -s -j"${RETENTION_JOBS:-$(nproc)}" -f "$work/src/Makefile" with_llvm=no PG_CONFIG="$pg_config" install \
  >"$work/build.log" 2>&1 || {
  tail -n 60 "$work/build.log" >&2
  fail "the extension could not be built"
}
start_server "$bin" "$work/data" "$work/socket" "$work/server.log" "$@" >&2
ln -s "$bin" "$work/bin"
"$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres -d postgres -c "CREATE DATABASE $database"
"$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres -d "$database" -c 'CREATE EXTENSION retention'
