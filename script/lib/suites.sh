# The suites of script/test, which it runs in a work folder, as a user who may start servers:
#   suites.sh WORK SUITE...
# Each test adds a line "ok NAME" or "not ok NAME" to WORK/results.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$1
shift
src=$work/src
results=$work/results
: >"$results"
mkdir -p "$work/build" "$work/log"
# For sockets and scratch files of everything below. Nothing of the user's session may influence the tests.
export TMPDIR=$work/tmp
for name in $(compgen -e | grep '^PG' || true); do unset "$name"; done
unset MAKEFLAGS MFLAGS MAKELEVEL TZ
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
jobs=${RETENTION_JOBS:-$(nproc)}

wants() {
  local one
  for one in "${suites[@]}"; do [ "$one" = "$1" ] && return; done
  return 1
}
suites=("$@")
gate=${RETENTION_GATE:-}

passed() { say "ok $1" | tee -a "$results"; }
failed() { say "not ok $1" | tee -a "$results"; }
# check NAME COMMAND...: a test that is a command; shows its output if it fails.
check() {
  local name=$1
  shift
  if "$@" >"$work/log/check" 2>&1; then
    passed "$name"
  else
    failed "$name"
    show "$work/log/check"
  fi
}
# show FILE [LINES]: its beginning, indented so that no line of it looks like a result.
show() {
  [ ! -s "$1" ] || sed -n -e "1,${2:-150}s/^/    /p" "$1" | sed '$a\'
  [ "$(wc -l <"$1")" -le "${2:-150}" ] || say "    (cut here)"
}

# --- build --------------------------------------------------------------------------------------

# build NAME MAKE-ARGUMENT...: builds in the current folder. Two tests: it compiles, and it compiles without a warning.
build() {
  local name=$1 log=$work/log/build-$1
  shift
  if ! make -s -j"$jobs" with_llvm=no PG_CONFIG="$pg_config" "$@" >"$log" 2>&1; then
    failed "build/$name"
    show "$log" 60
    return 1
  fi
  passed "build/$name"
  if grep -q 'warning:' "$log"; then
    failed "build/$name: no warning"
    grep -A3 'warning:' "$log" >"$log.short"
    show "$log.short" 60
  else
    passed "build/$name: no warning"
  fi
}

# Sets up what every suite except rules needs: a private server with the extension in it. Sets $pg_config and $bin.
set_up_server() {
  local original=$RETENTION_PG_CONFIG
  [ -z "$gate" ] || original=$RETENTION_ASSERT_SERVER/server/bin/pg_config
  pg_config=$(private_server "$work/pg" "$original") || {
    failed "server: can be copied"
    return 1
  }
  bin=$("$pg_config" --bindir)
  export PATH=$bin:$PATH
  mkdir -p "$work/build/tested"
  cd "$work/build/tested"
  # Valgrind and UBSan do not work together: each changes what the other sees.
  local kind="UBSan, out of tree"
  local -a flags=(SANITIZE=1)
  # (With little optimization, gcc warns of a variable of PG_FINALLY itself.)
  case $gate in
    valgrind) kind="with assertions, out of tree" flags=(COPT=-Wno-clobbered) ;;
    asan) kind="AddressSanitizer, out of tree" flags=(COPT=-Wno-clobbered SANITIZE=address) ;;
  esac
  build "$kind" -f "$src/Makefile" "${flags[@]}" all || return 1
  make -f "$src/Makefile" with_llvm=no PG_CONFIG="$pg_config" "${flags[@]}" install \
    >"$work/log/install" 2>&1 || {
    failed "build/install"
    show "$work/log/install"
    return 1
  }
  cd "$work"
}

listed() { make_variable "$src" "$pg_config" "$1" 2>/dev/null; }

suite_build() {
  cp -a "$src" "$work/build/plain"
  cd "$work/build/plain"
  build "plain, in the tree" all || true
  check "build/make dist packs what is committed, in one folder" dist_is_whole
  check "build/an update script is installed, and make clean leaves it" update_script_is_kept
  check "build/nothing is left after make clean" clean_leaves_nothing
  cd "$work"
}

# With an update script that is made up for this test.
update_script_is_kept() {
  local script name
  name=retention--0.0.1--$(listed EXTVERSION).sql
  script=sql/updates/$name
  mkdir -p sql/updates
  echo '-- nothing' >"$script"
  make -s with_llvm=no PG_CONFIG="$pg_config" DATA="$script" DESTDIR="$work/staged" install
  make -s with_llvm=no PG_CONFIG="$pg_config" DATA="$script" clean
  cmp "$script" "$work/staged$("$pg_config" --sharedir)/extension/$name" || return
  rm "$script"
  rmdir sql/updates 2>/dev/null || true
}

# The archive of a repository that is made for this test, with a file beside that is not committed.
dist_is_whole() {
  local version repository=$work/build/dist
  version=$(listed EXTVERSION)
  cp -a "$src" "$repository"
  (cd "$repository" && git init -q . && git add -A && find . -path ./.git -prune -o -type f -printf '%P\n') |
    sed "s#^#retention-$version/#" | sort >"$work/log/before"
  git -C "$repository" -c user.name=test -c user.email=test@example.org commit -q -m test
  touch "$repository/notes"
  make -s -C "$repository" with_llvm=no PG_CONFIG="$pg_config" dist
  perl -MIO::Uncompress::Unzip -e '
    my $zip = IO::Uncompress::Unzip->new($ARGV[0]) or die "no archive";
    do { my $name = $zip->getHeaderInfo->{Name}; print "$name\n" unless $name =~ m{/$} } while $zip->nextStream > 0' \
    "$repository/retention-$version.zip" | sort | diff "$work/log/before" -
}

clean_leaves_nothing() {
  make with_llvm=no PG_CONFIG="$pg_config" clean >/dev/null
  (cd "$src" && find . -type f) | sort >"$work/log/before"
  find . -type f | sort | diff "$work/log/before" -
}

# --- rules --------------------------------------------------------------------------------------

suite_rules() { tap rules perl "$src/script/lib/rules.pl" "$src"; }

# tap PREFIX COMMAND...: runs a program that prints TAP; each of its tests becomes one of ours.
tap() {
  local prefix=$1 log
  shift
  log=$work/log/tap-$(printf '%s' "$prefix" | tr -c 'a-zA-Z0-9' -)
  local status=0
  "$@" >"$log" 2>&1 || status=$?
  perl -e '
    my ($prefix, $status, $log, $results) = @ARGV;
    open my $in, "<", $log or die $!;
    open my $out, ">>", $results or die $!;
    my ($plan, $seen, $bad, $shown) = (undef, 0, 0, 0);
    my $line = sub { print $_[0]; print $out $_[0] };
    my @around;
    while (<$in>) {
      if (/^1\.\.(\d+)(?:\s*# SKIP\s*(.*))?/i) {
        $plan = $1;
        print "skip $prefix: ", $2 // "", "\n" if $plan == 0;
      }
      elsif (/^Bail out/) { print "    $_" }
      elsif (/^(not )?ok\b\s*\d*\s*-?\s*(.*)/) {
        my ($not, $name) = ($1, $2);
        $not = undef if $name =~ /# TODO/i;
        $seen++;
        $bad++ if $not;
        $line->(($not ? "not ok " : "ok ") . "$prefix: $name\n");
        $shown = 0;
      }
      # What follows a failure explains it.
      elsif ($bad && $shown++ < 100) { print "    $_" }
      push @around, $_;
      shift @around if @around > 40;
    }
    if (!defined $plan || $plan != $seen || ($status && !$bad)) {
      $line->("not ok $prefix: ran to its end (status $status)\n");
      print map "    $_", @around;
      $bad++;
    }
    exit($bad ? 1 : 0);
  ' "$prefix" "$status" "$log" "$results"
}

# --- regress, parallel, isolation ---------------------------------------------------------------

socket=$work/socket
port=5432

# A cluster for these three suites, started when the first of them needs it.
cluster() {
  [ -z "${cluster_runs:-}" ] || return 0
  if [ -n "$gate" ]; then
    . "$src/script/lib/memory.sh"
    start_watched "$bin" "$work/data" "$socket" "$work/log/server"
  else
    # Plans must depend on what the tests do, not on when a table was analyzed.
    start_server "$bin" "$work/data" "$socket" "$work/log/server" "autovacuum = off"
  fi || {
    failed "server: starts"
    show "$work/log/server"
    return 1
  }
  cluster_runs=1
}

# pg_regress_suite NAME PROGRAM LIST OPTIONS: each file of the list is a test.
pg_regress_suite() {
  local name=$1 program=$2 list=$3 options=$4 test output
  if [ -z "$list" ]; then
    say "skip $name: nothing is listed"
    return 0
  fi
  cluster || return 0
  output=$work/results-$name
  mkdir -p "$output"
  program=$(dirname "$("$pg_config" --pgxs)")/../test/$program
  (cd "$output" && PGUSER=postgres "$program" --bindir="$bin" --host="$socket" --port="$port" --user=postgres \
    --dbname=contrib_regression --outputdir="$output" $options $list) >"$work/log/$name" 2>&1 || true
  for test in $list; do
    if grep -Eq "^(test $test +\.\.\. ok\b|ok [0-9]+ +[-+] $test\b)" "$work/log/$name"; then
      passed "$name/$test"
    else
      failed "$name/$test"
      grep -Eq "^(test $test +\.\.\. FAILED\b|not ok [0-9]+ +[-+] $test\b)" "$work/log/$name" || say "    it did not run"
    fi
  done
  if [ -s "$output/regression.diffs" ]; then
    show "$output/regression.diffs" 300
  elif ! grep -Eq 'All [0-9]+ tests? passed' "$work/log/$name"; then
    show "$work/log/$name"
  fi
}

# Under the memory gates the longest tests run only a part of their questions.
suite_regress() {
  local thin=
  case $gate in valgrind) thin="-c retention_test.thin=20" ;; asan) thin="-c retention_test.thin=5" ;; esac
  PGOPTIONS=$thin \
    pg_regress_suite regress regress/pg_regress "$(listed REGRESS)" "$(listed REGRESS_OPTS)"
}

# The same files, with parallel workers for every query that can have them. (A parallel append would return rows without
# ORDER BY in another order each time.)
# Without views: its thousands of small queries are made of what the others ask, and would start workers for a quarter of
# an hour.
suite_parallel() {
  local force=force_parallel_mode
  [ "$(major_version "$pg_config")" -lt 16 ] || force=debug_parallel_query
  PGOPTIONS="-c $force=regress -c max_parallel_workers_per_gather=2 -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0 -c enable_parallel_append=off" \
    pg_regress_suite parallel regress/pg_regress "$(listed REGRESS | sed 's/ views / /')" "$(listed REGRESS_OPTS)"
}

suite_isolation() {
  pg_regress_suite isolation isolation/pg_isolation_regress "$(listed ISOLATION)" "$(listed ISOLATION_OPTS)"
}

# After these three suites: no undefined behaviour, no crash.
judge_server() {
  [ -n "${cluster_runs:-}" ] || return 0
  check "server: starts, reports nothing and does not crash" server_is_sound
  "$bin/pg_ctl" -D "$work/data" -m fast -w -t 300 stop >/dev/null || failed "server: stops"
  cluster_runs=
  [ -z "$gate" ] || check "$gate: no report" no_memory_report "$work/log"
}
server_is_sound() {
  ! grep -E -A12 'runtime error:|terminated by signal|TRAP:|PANIC' "$work/log/server"
}

# --- tap, docs ----------------------------------------------------------------------------------

# tap_file FILE [SEED]: runs one file of t/ as PGXS would.
tap_file() {
  local file=$1 name place pgxs
  name=$(basename "$file" .pl)${2:+, seed $2}
  place=$work/tap/$(basename "$file" .pl)${2:-}
  pgxs=$(dirname "$("$pg_config" --pgxs)")/..
  mkdir -p "$place"
  (
    cd "$src"
    export TESTDIR=$place TESTDATADIR=$place/tmp_check TESTLOGDIR=$place/tmp_check/log
    export PG_REGRESS=$pgxs/test/regress/pg_regress PERL5LIB=$pgxs/test/perl PG_CONFIG=$pg_config PGPORT=65432
    [ -z "${2:-}" ] || export RETENTION_SEED=$2
    tap "t/$name" perl "$file"
  ) || {
    show_logs "$place"
    return 0
  }
  if grep -rqs 'runtime error:' "$place"; then
    failed "t/$name: nothing undefined"
    show_logs "$place"
  else
    rm -rf "$place"
  fi
}
# Of the logs of the servers of a failed test, shows only what indicates a crash.
show_logs() {
  local log
  # PostgreSQL's test modules write there why they failed.
  if tail -n 1 "$results" | grep -q ': ran to its end'; then
    for log in "$1"/tmp_check/log/regress_log_*; do tail -n 25 "$log" | sed 's/^/    /'; done
  fi
  grep -rhsE -B2 -A12 'runtime error:|terminated by signal|PANIC|TRAP:' "$1" >"$work/log/crash" || return 0
  show "$work/log/crash" 80
}

# The docs are a suite of their own. The rules are about the tree, whatever the version, and are tested in the suite rules.
is_tap() {
  case $1 in
    000_rules.pl) wants rules ;;
    010_docs.pl) return 1 ;;
  esac
}
suite_tap() {
  local file seed repeat=${RETENTION_REPEAT:-1}
  for file in "$src"/t/*.pl; do
    if wants "t/$(basename "$file" .pl)" || { wants tap && is_tap "${file##*/}"; }; then
      for seed in $(seq "$repeat"); do
        [ "$repeat" != 1 ] || seed=
        tap_file "$file" $seed
      done
    fi
  done
}

# A minute of random bytes for every reader of bytes; script/fuzz does the same for longer.
suite_fuzz() {
  mkdir -p "$work/fuzz"
  ln -sfn "$src" "$work/fuzz/src"
  bash "$src/script/lib/fuzz.sh" "$work/fuzz" 60 "" "" "" text wire flat >"$work/log/fuzz" 2>&1 || true
  if ! grep -E '^(not )?ok fuzz/' "$work/log/fuzz" >"$work/log/fuzz.results"; then
    failed "fuzz: it ran"
    show "$work/log/fuzz"
    return 0
  fi
  sed 's/: .*//' "$work/log/fuzz.results" >>"$results"
  grep -vE '^[0-9]+ passed' "$work/log/fuzz"
}

suite_docs() { tap_file "$src/t/010_docs.pl"; }

# ------------------------------------------------------------------------------------------------

# Removes what an interrupted run would leave behind.
trap 'stop_servers "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

if wants rules; then suite_rules || true; fi
if [ "${suites[*]}" != rules ]; then
  set_up_server || exit 0
fi
for suite in build regress parallel isolation; do
  if wants "$suite"; then "suite_$suite" || true; fi
done
judge_server
suite_tap || true
if wants docs; then suite_docs || true; fi
if wants fuzz; then suite_fuzz || true; fi
