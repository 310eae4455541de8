# The memory gate of script/test: an assert-enabled server from Debian's source package, and servers under valgrind.
# For script/test and suites.sh, after common.sh.

# assert_server PG_CONFIG: makes sure that such a server of the same major version exists, and sets $assert_server to
# its folder: server/ is the installation, valgrind.supp what PostgreSQL knows to be harmless.
assert_server() {
  local major
  major=$("$1" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  assert_server=$(cache_folder)/postgresql-$major
  [ ! -e "$assert_server/complete" ] || return 0
  # One that was interrupted starts anew.
  rm -rf "$assert_server"
  mkdir "$assert_server"
  own_by_server_user "$assert_server"
  say "building an assert-enabled PostgreSQL $major in $assert_server, once; this takes some minutes"
  run_below bash "$work/src/script/lib/assert_server.sh" "$assert_server" "$major"
}

# start_under_valgrind BIN DATA SOCKET-FOLDER LOG: a cluster as start_server makes it, each process watched.
start_under_valgrind() {
  local bin=$1 data=$2 socket=$3 log=$4 tries
  RETENTION_START_TIMEOUT=120 start_server "$bin" "$data" "$socket" "$log" "authentication_timeout = 10min" || return 1
  "$bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null
  valgrind --quiet --trace-children=yes --num-callers=30 --error-limit=no --suppressions="$RETENTION_SUPPRESSIONS" \
    --log-file="$work/log/valgrind.%p" "$bin/postgres" -D "$data" >>"$log" 2>&1 </dev/null &
  for tries in $(seq 240); do
    "$bin/psql" -X -q -h "$socket" -U postgres -d postgres -c '' 2>/dev/null && return 0
    sleep 0.5
  done
  return 1
}

# Prints what valgrind reported, if anything.
no_valgrind_report() {
  local log found=
  for log in "$1"/valgrind.*; do
    [ -s "$log" ] || continue
    found=1
    printf '%s\n' "${log##*/}:"
    head -n 60 "$log"
  done
  [ -z "$found" ]
}
