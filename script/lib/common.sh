# Shell functions that the commands in script/ share. They need bash and the essential packages of Debian.

set -euo pipefail
export LC_ALL=C.UTF-8
unset CDPATH

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "${command_name:-$(basename "$0")}" "$*" >&2
  exit 1
}

# --- PostgreSQL ---------------------------------------------------------------------------------

# The pg_config to build with: $PG_CONFIG, else that of the newest server whose headers are installed, too.
find_pg_config() {
  local candidate
  if [ -n "${PG_CONFIG:-}" ]; then
    command -v "$PG_CONFIG" || fail "PG_CONFIG names '$PG_CONFIG', which cannot be run"
    return
  fi
  for candidate in $(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -t/ -k5,5nr); do
    if pg_is_complete "$candidate"; then
      say "$candidate"
      return
    fi
  done
  return 1
}

# Server program, headers and build rules all there?
pg_is_complete() {
  [ -x "$("$1" --bindir)/postgres" ] && [ -e "$("$1" --includedir-server)/postgres.h" ] && [ -e "$("$1" --pgxs)" ]
}

major_version() { "$1" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'; } # PG_CONFIG

# private_server FOLDER PG_CONFIG: copies the server into FOLDER and prints the pg_config of the copy. The tree of a
# PostgreSQL installation may be moved as a whole, so `make install` with that pg_config stays inside FOLDER.
private_server() {
  local folder=$1 bin top part version
  bin=$(cd "$("$2" --bindir)" && pwd -P)
  case $bin in
    /usr/lib/postgresql/*/bin)
      version=$(basename "$(dirname "$bin")")
      for part in "lib/postgresql/$version" "share/postgresql/$version" include/postgresql; do
        mkdir -p "$folder/usr/$(dirname "$part")"
        cp -a "/usr/$part" "$folder/usr/$(dirname "$part")/"
      done
      say "$folder/usr/lib/postgresql/$version/bin/pg_config"
      ;;
    *)
      top=$(dirname "$bin")
      [ "$top" != /usr ] || fail "PostgreSQL in /usr itself cannot be copied; name another pg_config in PG_CONFIG"
      mkdir -p "$folder"
      cp -a "$top/." "$folder/"
      say "$folder/bin/pg_config"
      ;;
  esac
}

# start_server BIN DATA SOCKET-FOLDER LOG [SETTING=VALUE...]: starts a cluster that cannot be reached over a network.
start_server() {
  local bin=$1 data=$2 socket=$3 log=$4 setting
  shift 4
  mkdir -p "$socket"
  chmod 700 "$socket"
  [ "${#socket}" -lt 90 ] || fail "the socket folder $socket has too long a name; set TMPDIR to a shorter one"
  if [ ! -e "$data/PG_VERSION" ]; then
    "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$log" 2>&1 || {
      cat "$log"
      return 1
    }
    {
      printf "listen_addresses = ''\nunix_socket_directories = '%s'\n" "$socket"
      printf "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 40\n"
      for setting in "$@"; do printf '%s\n' "$setting"; done
    } >>"$data/postgresql.conf"
  fi
  if ! "$bin/pg_ctl" -D "$data" -w -t "${RETENTION_START_TIMEOUT:-60}" -l "$log" start >/dev/null </dev/null 3>&-; then
    tail -n 40 "$log"
    return 1
  fi
}

# stop_servers FOLDER: stops every server whose data are below FOLDER, by the process id that it wrote there.
stop_servers() {
  local file pid tries
  [ -d "$1" ] || return 0
  find "$1" -name postmaster.pid 2>/dev/null | while read -r file; do
    pid=$(head -n 1 "$file" 2>/dev/null || true)
    case $pid in '' | *[!0-9]*) continue ;; esac
    # The file may be older than the process that has this id now.
    [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(dirname "$file")" ] || continue
    kill -QUIT "$pid" 2>/dev/null || continue
    for tries in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done
}

# The output of a package manager without the addresses that packages come from.
hide_hosts() { sed -E 's#(https?|ftp)://[^ ]*#(an address)#g'; }

# --- Folders and users --------------------------------------------------------------------------

# make_work NAME: a new folder that only the user who runs the tests can enter. Sets $work.
make_work() {
  local base=${TMPDIR:-/tmp}
  [ "${#base}" -le 40 ] || base=/tmp
  work=$(mktemp -d "$base/retention-$1.XXXXXX")
}

# The folder of what is fetched or built once and kept, readable for the user that the servers run as.
cache_folder() {
  local cache=${RETENTION_CACHE:-}
  [ -n "$cache" ] || cache=$([ "$(id -u)" = 0 ] && say /var/cache/retention || say "$HOME/.cache/retention")
  mkdir -p "$cache"
  (cd "$cache" && pwd -P)
}

# Vega-Lite and the library that draws its specifications, from npm: the folder that script/bootstrap browser makes.
vega_versions="vega@6.4.0 vega-lite@6.5.0"
vega_folder() { say "$(cache_folder)/$(printf '%s' "$vega_versions" | tr '@ ' '--')"; }

# If the caller is root, everything that needs a server runs as postgres.
own_by_server_user() {
  [ "$(id -u)" != 0 ] || chown -R postgres: "$1"
}

# copy_source FOLDER: copies the files of the project as they are now, committed or not, without build products.
copy_source() {
  mkdir -p "$1"
  if git -c safe.directory='*' -C "$root" rev-parse --git-dir >/dev/null 2>&1 &&
    [ "$(git -c safe.directory='*' -C "$root" rev-parse --show-toplevel)" = "$root" ]; then
    (cd "$root" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
      perl -0ne 'chomp; print "$_\0" if -e $_ || -l $_' | tar --null -T - -cf -) | tar -C "$1" -xf - --no-same-owner
  else
    tar -C "$root" --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.bc' --exclude='./retention--*.sql' \
      -cf - . | tar -C "$1" -xf - --no-same-owner
  fi
}

# run_below COMMAND...: runs it as run_group does, as postgres if the caller is root.
run_below() {
  local -a as=()
  if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$work" USER=postgres LOGNAME=postgres)
  fi
  run_group "${as[@]}" "$@"
}

# run_group COMMAND...: runs it in the work folder, in a process group of its own, which ends as a whole if the script is
# stopped. Returns its exit status.
group=
run_group() {
  local status=0
  (cd "$work" && exec setsid env --default-signal=INT,QUIT "$@" </dev/null) &
  group=$!
  wait "$group" || status=$?
  group=
  return "$status"
}

end_group() {
  [ -n "$group" ] || return 0
  kill -TERM -- "-$group" 2>/dev/null || true
  wait "$group" 2>/dev/null || true
  group=
}

# The value of a make variable of the project, as make sees it.
make_variable() {
  make -s -f "$1/Makefile" with_llvm=no PG_CONFIG="$2" --eval 'show: ; @echo $($(NAME))' show NAME="$3"
}
