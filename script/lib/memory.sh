# The memory gates of script/test: a server with assertions from Debian's source package, under valgrind or with
# AddressSanitizer in the extension. For script/test and suites.sh; sourced after common.sh.

# assert_server GATE VERSION: makes sure that the server exists and sets $assert_server to its folder. server/ is the
# installation; valgrind.supp, for valgrind, lists what PostgreSQL knows to be harmless.
assert_server() {
  assert_server=$(cache_folder)/postgresql-$2
  [ "$1" = valgrind ] || assert_server+=-$1
  [ ! -e "$assert_server/complete" ] || return 0
  # A build that was interrupted starts again from the beginning.
  rm -rf "$assert_server"
  mkdir "$assert_server"
  own_by_server_user "$assert_server"
  say "building a PostgreSQL $2 with assertions in $assert_server, once; this takes some minutes"
  run_below bash "$work/src/script/lib/assert_server.sh" "$assert_server" "$2" "$1"
}

# start_watched BIN DATA SOCKET-FOLDER LOG: starts a cluster like start_server, with each process run under the gate.
start_watched() {
  local bin=$1 data=$2 socket=$3 log=$4 tries
  local -a with=()
  RETENTION_START_TIMEOUT=120 start_server "$bin" "$data" "$socket" "$log" "authentication_timeout = 10min" "autovacuum = off" || return 1
  "$bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null
  if [ "$RETENTION_GATE" = valgrind ]; then
    with=(valgrind --quiet --trace-children=yes --num-callers=30 --error-limit=no
      --suppressions="$RETENTION_ASSERT_SERVER/valgrind.supp" --log-file="$work/log/memory.%p")
  else
    # Only the extension is built with it, so its libraries have to be loaded first.
    with=(env LD_PRELOAD="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
      ASAN_OPTIONS="detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:allocator_may_return_null=1:quarantine_size_mb=64:log_path=$work/log/memory"
      UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:log_path=$work/log/memory")
  fi
  "${with[@]}" "$bin/postgres" -D "$data" -c dynamic_shared_memory_type=mmap -c jit=off >>"$log" 2>&1 </dev/null &
  for tries in $(seq 240); do
    "$bin/psql" -X -q -h "$socket" -U postgres -d postgres -c '' 2>/dev/null && return 0
    sleep 0.5
  done
  return 1
}

# Prints the reports, if there are any.
no_memory_report() {
  local log found=
  for log in "$1"/memory.*; do
    [ -s "$log" ] || continue
    found=1
    printf '%s\n' "${log##*/}:"
    head -n 60 "$log"
  done
  [ -z "$found" ]
}
