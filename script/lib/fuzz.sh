# The part of script/fuzz that runs in a work folder, as a user who may start servers:
#   fuzz.sh WORK SECONDS RUNS KEEP INPUT FORM...
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$1 seconds=$2 runs=$3 keep=$4 input=$5
shift 5
src=$work/src
log=$work/log
for name in $(compgen -e | grep '^PG' || true); do unset "$name"; done
unset MAKEFLAGS MFLAGS MAKELEVEL TZ

pg_config=$(private_server "$work/pg" "$RETENTION_PG_CONFIG")
bin=$("$pg_config" --bindir)

mkdir "$work/build"
cd "$work/build"
fuzz_make() { make -s -f "$src/Makefile" FUZZ=1 CC=clang CXX=clang++ with_llvm=no PG_CONFIG="$pg_config" "$@"; }
{ fuzz_make -j"${RETENTION_JOBS:-$(nproc)}" all && fuzz_make install; } >"$log" 2>&1 || {
  grep -E 'error|undefined' "$log" | head -n 20
  fail "the fuzzing build failed"
}

# The sanitizer calls, when it starts, a function that the server replaces to find its messages: without these it hangs.
printf 'char *bindtextdomain(const char *d, const char *n) { return (char *) n; }
char *bind_textdomain_codeset(const char *d, const char *c) { return (char *) c; }
char *textdomain(const char *d) { return (char *) d; }\n' >shim.c
clang -shared -fPIC -o shim.so shim.c
export LD_PRELOAD=
preload="$(clang -print-file-name=libclang_rt.asan-x86_64.so) $work/build/shim.so"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:detect_stack_use_after_return=0:handle_abort=0
export UBSAN_OPTIONS=print_stacktrace=1

"$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$log" 2>&1 || {
  cat "$log"
  exit 1
}

# single LOG SETTING=VALUE...: runs the statements on standard input; each ends with a semicolon and an empty line.
single() {
  local to=$1 setting
  local -a settings=()
  shift
  for setting; do settings+=(-c "$setting"); done
  LD_PRELOAD=$preload "$bin/postgres" --single -j -D "$work/data" -F "${settings[@]}" postgres >"$to" 2>&1
}

single "$log" fuzz.seeds="$work/seeds" <"$src/test/fuzz/fuzz.sql" || true
if grep -E '(ERROR|FATAL|PANIC):|runtime error|Sanitizer' "$log" || [ ! -s "$work/seeds" ]; then
  tail -n 20 "$log"
  fail "the fuzzer could not be set up"
fi

# A line of hexadecimal digits is an input; a corpus is one file of them.
unpack_to() { perl -MDigest::SHA=sha1_hex -e '
  my $to = shift; while (<STDIN>) { chomp; my $b = pack "H*", $_; open my $f, ">:raw", "$to/" . sha1_hex($b) or die; print $f $b }' "$1"; }

# fuzz FORM LOG ARGUMENT...: one run of libFuzzer.
fuzz() {
  local form=$1 to=$2
  shift 2
  printf "SELECT retention_fuzz('%s', array_agg(t.name), array_agg(f.letter), array_agg(f.uses), ARRAY['fuzz'%s])
FROM fuzzed AS f JOIN fuzz_types AS t ON t.typname = f.name;\n\n" "$form" "$(printf ", '%s'" "$@")" | single "$to" || true
}

# least FORM FOLDER...: of the inputs of at most 1 kB in the folders, shortest first, those that reach code which none
# before them reached.
least() {
  local form=$1 control=$work/control-$1
  shift
  find "$@" -type f -size -1025c -printf '%s %p\n' | sort -n | cut -d' ' -f2 >"$control.files"
  { wc -l <"$control.files" && say 0 && cat "$control.files"; } >"$control"
  fuzz "$form" "$log-$form" -merge_inner=1 -merge_control_file="$control" -max_len=4096
  perl -e '
    my ($count, @files, %known) = (scalar <>);
    <>;
    push @files, scalar <> for 1 .. $count;
    while (<>) {
      my ($what, $i, @features) = split;
      next unless $what eq "FT" && grep !$known{$_}++, @features;
      chomp(my $file = $files[$i]);
      open my $in, "<:raw", $file or die $!;
      local $/;
      print unpack("H*", <$in>), "\n";
    }' "$control" | LC_ALL=C sort -u
}

passed=0 failed=0
share=$((seconds / $#))
[ "$share" -gt 0 ] || share=1
for form; do
  known=$work/known-$form new=$work/new-$form found=$work/found-$form
  mkdir "$known" "$new" "$found"
  awk -v form="$form" '$1 == form { print $2 }' "$work/seeds" | unpack_to "$known"
  [ ! -e "$src/test/fuzz/corpus/$form.hex" ] || unpack_to "$known" <"$src/test/fuzz/corpus/$form.hex"
  if [ -n "$input" ]; then
    say "$input" | unpack_to "$new"
    fuzz "$form" "$log-$form" "$(ls -d "$new"/*)"
  else
    limit=-max_total_time=$share
    [ -z "$runs" ] || limit=-runs=$((runs / $#))
    fuzz "$form" "$log-$form" "$new" "$known" "$limit" -max_len=4096 -timeout=20 -rss_limit_mb=4096 -use_value_profile=1 \
      -artifact_prefix="$found/" -print_final_stats=1
  fi
  done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log-$form")
  if [ -n "$(ls "$found")" ] || { [ -z "$done" ] && [ -z "$input" ]; } || grep -qE 'finding:|runtime error|Sanitizer|ERROR:' "$log-$form"; then
    say "not ok fuzz/$form"
    failed=$((failed + 1))
    grep -vE '^#[0-9]+|^INFO:|^\[DE\]|^NEW_FUNC' "$log-$form" | sed -n '1,60s/^/    /p'
    for file in "$found"/*; do
      [ ! -e "$file" ] || say "    script/fuzz $form --input $(perl -e 'local $/; print unpack "H*", <>' "$file")"
    done
  else
    say "ok fuzz/$form: ${done:-1} executions"
    passed=$((passed + 1))
  fi
  if [ -n "$keep" ]; then least "$form" "$known" "$new" >"$work/$form.hex"; fi
done
say "$passed passed, $failed failed"
[ "$failed" = 0 ]
