# Builds the plain extension into a private server, where it is not built yet, and starts it with an empty database:
#   serve.sh WORK PG_CONFIG DATABASE SOURCE [SETTING...]
# WORK/src has the files of the project, and SOURCE names them: the same name means the same files. Leaves the server's
# programs at WORK/bin and its socket in WORK/socket. Run as a user who may start servers.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$1 original=$2 database=$3 source=$4
shift 4
for name in $(compgen -e | grep '^PG' || true); do unset "$name"; done

if [ "$(cat "$work/built" 2>/dev/null)" != "$source" ]; then
  pg_config=$(private_server "$work/pg" "$original")
  mkdir -p "$work/build"
  cd "$work/build"
  make -s -j"${RETENTION_JOBS:-$(nproc)}" -f "$work/src/Makefile" with_llvm=no PG_CONFIG="$pg_config" install \
    >"$work/build.log" 2>&1 || {
    tail -n 60 "$work/build.log" >&2
    fail "the extension could not be built"
  }
  ln -s "$("$pg_config" --bindir)" "$work/bin"
  say "$source" >"$work/built"
fi
bin=$work/bin
"$bin/pg_ctl" -D "$work/data" status >/dev/null 2>&1 ||
  start_server "$bin" "$work/data" "$work/socket" "$work/server.log" "$@" >&2
client=("$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres)
"${client[@]}" -d postgres -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" \
  -c "CREATE DATABASE $database"
"${client[@]}" -d "$database" -c 'CREATE EXTENSION retention'
