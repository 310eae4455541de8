# A small Debian for each version of PostgreSQL that the machine does not have: for script/test --versions, as root.
# Sourced after common.sh.

is_released() { [ "$1" -lt 19 ]; }

debian_folder() { say "$(cache_folder)/debian-$1"; }

debian_suite() { # VERSION
  case $1 in
    15) say bookworm ;;
    17) say trixie ;;
    18 | 19) say sid ;;
    *) return 1 ;;
  esac
}

# The mirror that the machine's own packages come from.
debian_mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
    sed -n -E -e 's/^URIs: *([^ ]+).*/\1/p' -e 's/^deb +(\[[^]]*\] *)?([^ ]+).*/\2/p' | grep -m 1 -E '/debian/?$'
}

# "${in_debian[@]}" FOLDER COMMAND...: runs it as root there. All processes end with the command, and so does the mount.
in_debian=(unshare --mount --pid --fork --kill-child bash -c '
  mount -t proc proc "$1/proc" || exit
  chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root "${@:2}"
  exit' in_debian)

# make_debian VERSION: makes one with everything needed to build and test. Does nothing if it exists and was made as
# install_debian makes it now; if another process is making it, waits for that.
make_debian() {
  local folder recipe
  folder=$(debian_folder "$1")
  recipe=$(declare -f debian_suite install_debian | md5sum)
  is_complete() { [ "$(cat "$folder/complete" 2>/dev/null)" = "$recipe" ]; }
  is_complete && return
  debian_suite "$1" >/dev/null || {
    say "PostgreSQL $1 is in no suite of Debian"
    return 1
  }
  say "making a Debian with PostgreSQL $1 in $folder, once; this takes some minutes"
  (
    flock 9
    is_complete && exit
    rm -rf --one-file-system "$folder"
    mkdir -p "$folder"
    bash -c '. "$1"; . "$2"; install_debian "$3" "$4"' make_debian "$root/script/lib/common.sh" "$root/script/lib/debian.sh" \
      "$folder" "$1" >"$folder.log" 2>&1 </dev/null || {
      tail -n 30 "$folder.log" | hide_hosts
      exit 1
    }
    say "$recipe" >"$folder/complete"
  ) 9>"$folder.lock"
}

install_debian() { # FOLDER VERSION
  local folder=$1 version=$2 mirror suite script from=()
  mirror=$(debian_mirror) || fail "there is no Debian in this machine's package sources"
  suite=$(debian_suite "$version")
  # An older debootstrap does not know every newer suite, but makes all of them in the same way.
  script=/usr/share/debootstrap/scripts/$suite
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" "$mirror" "$script"
  # The lists of a mirror that is not updated any more have expired.
  say 'Acquire::Check-Valid-Until "false";' >"$folder/etc/apt/apt.conf.d/90mirror"
  if ! is_released "$version"; then
    say "deb $mirror experimental main" >"$folder/etc/apt/sources.list.d/experimental.list"
    from=(-t experimental)
  fi
  # Installing a package starts no service.
  printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
  chmod +x "$folder/usr/sbin/policy-rc.d"
  mkdir -p "$folder/etc/postgresql-common/createcluster.d"
  say 'create_main_cluster = false' >"$folder/etc/postgresql-common/createcluster.d/none.conf"
  inside() { "${in_debian[@]}" "$folder" "$@"; }
  install() { inside apt-get install -q -y --no-install-recommends "$@"; }
  inside apt-get update -q
  # Since trixie, time zones with old names are in a package of their own.
  install make gcc g++ libc6-dev libboost-dev libnlopt-dev perl libipc-run-perl $([ "$version" = 15 ] || say tzdata-legacy)
  install "${from[@]}" "postgresql-$version" "postgresql-server-dev-$version"
  install "${from[@]}" "postgresql-$version-cron" || say "without pg_cron"
  inside apt-get clean
  [ -x "$folder/usr/lib/postgresql/$version/bin/postgres" ]
}
