#!/usr/bin/env bash
# Run a command with another engine than this machine's: Debian forky's, beside the one that runs here.
#
#   forky.sh docker COMMAND ...   with Docker, Buildx and Compose of forky, and containerd's image store
#   forky.sh podman COMMAND ...   with podman and buildah of forky
#
# For Debian and Ubuntu, as root. The engine lives in a root file system of its own, in namespaces of its own: no other
# process sees its mounts, bridges, firewall rules and published ports, and the kernel removes all of them when it
# ends. The command runs on this machine's file system, but in the engine's network: what the engine publishes on
# 127.0.0.1 is there for the command, and only for it. On its PATH, `docker` (or `podman` and `buildah`) are forky's.
#
# The root file system is kept in /var/cache/dockerizing-python, so that the next run starts in seconds; `make clean`
# removes it. Images and containers are not kept.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cache=/var/cache/dockerizing-python
rootfs=$cache/forky
limit=60        # seconds until the daemon answers; it takes about two
packages=docker.io,docker-cli,docker-buildx,docker-compose,iproute2,iptables,nftables,podman,buildah,catatonit,netavark,aardvark-dns,passt,ca-certificates

say() { printf 'forky: %s\n' "$*"; }
fail() {
  printf 'forky: %s\n' "$*" >&2
  exit 1
}

engine=${1:-}
case "$engine" in
  docker | podman) shift ;;
  *) fail "unknown engine '$engine': docker or podman, then a command" ;;
esac
# shellcheck source=/dev/null
[ ! -r /etc/os-release ] || . /etc/os-release
case "${ID:-unknown} ${ID_LIKE:-}" in
  *debian* | *ubuntu*) ;;
  *) fail "this needs Debian or Ubuntu, whose tools make the root file system" ;;
esac
[ "$(id -u)" -eq 0 ] || fail "this needs root: sudo $0 $engine $*"

mkdir -p "$cache"
exec 9>"$cache/lock" # whoever makes the root file system has it alone
flock --shared 9

# --- The root file system, made once -----------------------------------------------------

mirror() {
  # shellcheck disable=SC2016 # apt's own variable
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1
}

make_rootfs() {
  local name options=()
  [ -z "$apt_settings" ] || while IFS= read -r name; do options+=(--aptopt="$name"); done <<<"$apt_settings"
  rm -rf "$rootfs"
  # shellcheck disable=SC2016 # $1 is the new root, when mmdebstrap runs the hook
  mmdebstrap --mode=root --variant=minbase --include="$packages" --dpkgopt="$here/recipes/debian.dpkg.cfg" \
    ${options[@]+"${options[@]}"} \
    --customize-hook="cp -R /usr/local/share/ca-certificates/. \"\$1/usr/local/share/ca-certificates\"" \
    --customize-hook='chroot "$1" update-ca-certificates' \
    forky "$rootfs" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $debian forky main" || return 1
  printf '%s\n' "$settings" >"$rootfs/settings"
}

apt_settings=$(apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' || true)
debian=${DEBIAN_MIRROR:-$(mirror)}
[ -n "$debian" ] || fail "no Debian mirror in apt's sources: name one, as in DEBIAN_MIRROR=http://.../debian $0"
settings=$({
  printf '%s\n' "$apt_settings" "$debian" "$packages"
  find /usr/local/share/ca-certificates -name '*.crt' -exec cat {} +
  declare -f make_rootfs
} | sha256sum)
if [ "$(cat "$rootfs/settings" 2>/dev/null)" != "$settings" ]; then
  log=$cache/log
  began=$SECONDS
  flock --nonblock 9 || fail "the root file system must be made anew, and another run uses it: wait for its end"
  if ! command -v mmdebstrap >/dev/null || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
    say "installing mmdebstrap"
    (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
      mmdebstrap debian-archive-keyring) >"$log" 2>&1 </dev/null || {
      tail -n 15 "$log" >&2
      fail "apt could not install it; the whole output is in $log"
    }
  fi
  make_rootfs >"$log" 2>&1 </dev/null || {
    tail -n 15 "$log" >&2
    fail "the root file system could not be made; the whole output is in $log"
  }
  say "made a root file system of forky ($((SECONDS - began)) s)"
  flock --shared 9
fi

# --- The engine ----------------------------------------------------------------------------

# What a run that was killed could not remove: its folder is not locked any more.
for work in "$cache"/run.*; do
  [ ! -d "$work" ] || flock --nonblock "$work" rm -rf "$work" || true
done
work=$(mktemp -d "$cache/run.XXXXXX") # the images, the socket and the clients of this run
exec 8<"$work"
flock 8
group=dockerizing-python-$$ # of control groups: the one thing that ends with no namespace
processes=() # what must live as long as the engine
holders=()   # those that end it: the holder of its namespaces, and the way out of its network
command=
clean_up() {
  local status=$? _
  trap - EXIT INT TERM HUP
  # With its first process everything in the namespaces ends: daemon, containers, mounts, network.
  [ ${#holders[@]} -eq 0 ] || kill -KILL "${holders[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  # What was killed leaves its control group a moment later.
  for _ in {1..50}; do
    find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || true
    find /sys/fs/cgroup -type d -name "$group" 2>/dev/null | grep --quiet . || break
    sleep 0.1
  done
  rm -rf "$work"
  exit "$status"
}
# The command gets the signal, too, and the time that it needs to clean up behind itself.
pass_on() {
  if [ -n "$command" ]; then
    kill -"$1" -- "-$command" 2>/dev/null || true
    wait "$command" 2>/dev/null || true
  fi
  exit "$2"
}
trap clean_up EXIT
trap 'pass_on INT 130' INT
trap 'pass_on TERM 143' TERM HUP
set -m # each background job is a process group: Ctrl-C reaches them by pass_on only

mkdir "$work"/{bin,docker,containers,tmp}
# pasta hands on what is asked there to this machine's resolver, which may listen on its loopback only.
echo 'nameserver 169.254.1.1' >"$work/resolv.conf"

# The way into the root file system, in a mount namespace of its own. The folders that commands name (of the repository, of temporary files) are there
# under the same names.
# shellcheck disable=SC2016 # its own variables
enter='
  set -e
  rootfs=$1 work=$2
  shift 2
  mount --bind "$rootfs" "$rootfs"
  cd "$rootfs"
  for folder; do
    [ -d "./$folder" ] || mkdir -p "./$folder"
    mount --rbind "$folder" "./$folder"
  done
  mount -t tmpfs tmpfs run
  cp /etc/resolv.conf "$work/resolv.conf.host"
  mount --bind "$work/resolv.conf.host" etc/resolv.conf
  mount --bind "$work/tmp" var/tmp
  mkdir -p var/lib/docker var/lib/containers
  mount --bind "$work/docker" var/lib/docker
  mount --bind "$work/containers" var/lib/containers
  pivot_root . mnt
  umount --lazy /mnt
  # The namespaces of the engine; their first process lives until this script ends, however it ends.
  exec unshare --pid --net --fork --kill-child unshare --mount bash -c "
    mount -t proc proc /proc
    mount --bind $work/resolv.conf /etc/resolv.conf
    ip link set lo up
    touch $work/entered
    sleep infinity & wait" # bash takes note of processes that end without their parents
'
setpriv --pdeathsig KILL unshare --mount bash -c "$enter" enter "$rootfs" "$work" \
  /proc /sys /dev /tmp "${TMPDIR:-/tmp}" "$root" "$work" >"$work/log" 2>&1 </dev/null &
holder=$!
processes+=("$holder")
holders+=("$holder")

# wait_for COMMAND ...: until it succeeds, as long as the engine lives.
wait_for() {
  local i process
  for ((i = 0; i < limit * 10; i++)); do
    "$@" >/dev/null 2>&1 && return 0
    for process in "${processes[@]}"; do kill -0 "$process" 2>/dev/null || break 2; done
    sleep 0.1
  done
  tail -n 15 "$work/log" >&2
  fail "the engine did not start; the end of its log is above"
}
wait_for test -e "$work/entered"
first=$(pgrep --parent "$holder") # the first process in the namespaces
in_rootfs=(nsenter --mount="/proc/$holder/ns/mnt")
in_engine=(nsenter --target "$first" --mount --net --pid)

# The way out of the engine's network, without any rule in this machine's firewall. No port is published there.
# It gives up the right to look at other processes, so the network gets a name.
"${in_rootfs[@]}" sh -c "touch /run/network && mount --bind /proc/$first/ns/net /run/network"
setpriv --pdeathsig KILL "${in_rootfs[@]}" pasta --foreground --quiet --runas 0 --config-net --dns-forward 169.254.1.1 \
  --tcp-ports none --udp-ports none --tcp-ns none --udp-ns none --netns-only --netns /run/network >>"$work/log" 2>&1 </dev/null &
processes+=($!)
holders+=($!)
wait_for "${in_engine[@]}" ip route get 1.1.1.1

# client NAME ENTER ...: a command NAME that enters, and starts the root file system's own NAME in the same folder.
client() {
  local name=$1
  shift
  # shellcheck disable=SC2016 # the client's own variables
  printf '#!/bin/sh\nexec %s -- sh -c '\''cd "$0" && exec /usr/bin/%s "$@"'\'' "$PWD" "$@"\n' "$*" "$name" >"$work/bin/$name"
  chmod +x "$work/bin/$name"
}

if [ "$engine" = docker ]; then
  socket=unix://$work/docker.sock
  "${in_engine[@]}" dockerd --host "$socket" --feature containerd-snapshotter=true --cgroup-parent "/$group" \
    --exec-opt native.cgroupdriver=cgroupfs >>"$work/log" 2>&1 </dev/null &
  processes+=($!)
  client docker "${in_rootfs[@]}"
  wait_for env DOCKER_HOST="$socket" "$work/bin/docker" version
  # What this machine's own engine has need not be pulled or built again. (Without an engine, without images: nothing.)
  bases=()
  while IFS=$'\t' read -r image _; do
    ! docker image inspect "$image" >/dev/null 2>&1 || bases+=("$image")
  done < <("$here/bases.sh" --list)
  if [ ${#bases[@]} -gt 0 ]; then
    # In the background: a signal need not wait for it.
    docker save "${bases[@]}" | DOCKER_HOST=$socket "$work/bin/docker" load >>"$work/log" 2>&1 &
    wait $! 2>/dev/null
  fi
  export DOCKER_HOST=$socket
  say "Docker $("$work/bin/docker" version --format '{{.Server.Version}}'), $("$work/bin/docker" buildx version | cut -d ' ' -f 2), Compose $("$work/bin/docker" compose version --short)"
else
  # Podman gives containers the limits of a machine without any, which a process may not exceed that has some itself.
  limits() { printf '"%s=%s:%s"' "$1" "$(ulimit -S"$2")" "$(ulimit -H"$2")" | sed 's/unlimited/-1/g'; }
  printf '[containers]\ndefault_ulimits = [%s, %s]\n' "$(limits nofile n)" "$(limits nproc u)" >"$work/containers.conf"
  export CONTAINERS_CONF_OVERRIDE=$work/containers.conf PODMAN_IGNORE_CGROUPSV1_WARNING=1
  client podman "${in_engine[@]}"
  client buildah "${in_engine[@]}"
fi

# shellcheck disable=SC2016 # the new shell's own variables
PATH=$work/bin:$PATH nsenter --net="/proc/$first/ns/net" unshare --mount sh -c '
  mount --bind "$0" "$(realpath /etc/resolv.conf)" && exec "$@"' "$work/resolv.conf" "$@" <&0 &
command=$!
wait "$command" 2>/dev/null
