#!/usr/bin/env bash
# Make sure a Docker engine with BuildKit, Buildx and Compose (2.25 or newer) answers.
#
# Nothing happens where one answers already. On Debian or Ubuntu, as root, the
# distribution's own packages are installed and the daemon is started. Anywhere
# else one line says what to install. A running engine is never touched.
set -euo pipefail

log=/var/log/dockerd.log
limit=60 # seconds that a new daemon may take to answer

say() { printf 'engine: %s\n' "$*"; }
fail() {
  printf 'engine: %s\n' "$*" >&2
  exit 1
}

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
has_plugins() {
  docker buildx version >/dev/null 2>&1 &&
    docker compose version --short 2>/dev/null | grep -qE '^v?(2\.(2[5-9]|[3-9][0-9])|[3-9]\.|[1-9][0-9]\.)'
}

if answers; then
  has_plugins || fail "an engine runs, but Buildx or Compose (2.25 or newer) is missing: install the packages docker-buildx-plugin and docker-compose-plugin (https://docs.docker.com/engine/install/)"
  exit 0
fi

# Somebody who points at an engine elsewhere does not want one installed here.
[ -z "${DOCKER_HOST:-}" ] || fail "DOCKER_HOST is $DOCKER_HOST, but no engine answers there: start it, or unset DOCKER_HOST"

case "$(uname -s)" in
  Linux) ;;
  Darwin) fail "no Docker engine answers: install and start Docker Desktop (https://docs.docker.com/desktop/setup/install/mac-install/)" ;;
  *) fail "no Docker engine answers: install and start Docker Desktop (https://docs.docker.com/desktop/)" ;;
esac

# shellcheck source=/dev/null
[ -r /etc/os-release ] && . /etc/os-release
case "${ID:-unknown} ${ID_LIKE:-}" in
  *debian* | *ubuntu*) ;;
  *) fail "no Docker engine answers: install one for ${PRETTY_NAME:-this system} and start it (https://docs.docker.com/engine/install/)" ;;
esac
[ "$(id -u)" -eq 0 ] || fail "no Docker engine answers: start it (sudo systemctl start docker), or let this script install one: sudo $0"

packages=(docker.io docker-cli docker-buildx docker-compose)
[ "${ID:-}" != ubuntu ] || packages=(docker.io docker-buildx docker-compose-v2)

# Debian 12 has Docker, but neither Buildx nor Compose (2.25 or newer): these four packages, and only
# these, may come from Debian 13. The mirror is the one that this machine uses already.
use_trixie_for_docker() {
  local mirror
  # shellcheck disable=SC2016 # apt fills this in, not the shell
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Label: Debian' | head -n 1)
  [ -n "$mirror" ] || fail "no Debian mirror for bookworm in apt's sources: install Docker by hand (https://docs.docker.com/engine/install/debian/)"
  cat >/etc/apt/sources.list.d/docker-from-trixie.sources <<SOURCES
Types: deb
URIs: $mirror
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  cat >/etc/apt/preferences.d/docker-from-trixie <<PREFERENCES
Package: ${packages[*]}
Pin: release n=trixie
Pin-Priority: 990

Package: *
Pin: release n=trixie
Pin-Priority: 100
PREFERENCES
}

if ! command -v dockerd >/dev/null || ! has_plugins; then
  say "no Docker engine here: installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt_log=$(mktemp)
  # Written as one chain: `set -e` does not act inside a condition.
  install() {
    apt-get update &&
      if [ "${VERSION_CODENAME:-}" = bookworm ]; then use_trixie_for_docker && apt-get update; fi &&
      apt-get install --yes --no-install-recommends "${packages[@]}" iptables ca-certificates
  }
  if ! install >"$apt_log" 2>&1 </dev/null; then
    tail -n 15 "$apt_log" >&2
    fail "apt could not install the engine; the whole output is in $apt_log"
  fi
  rm -f "$apt_log"
fi

# Where systemd runs, installing the package has started the service, or this does.
if [ -d /run/systemd/system ]; then
  systemctl start docker
elif ! answers; then
  # A new session and no inherited descriptors: the daemon outlives the shell, and a
  # pipeline that reads this script's output does not wait for the daemon to end.
  setsid --fork dockerd >>"$log" 2>&1 </dev/null
  started_by_hand=yes
fi

for ((i = 0; i < limit * 2; i++)); do
  if answers; then
    has_plugins || fail "the engine runs, but Buildx or Compose (2.25 or newer) is missing: install docker-buildx and docker-compose"
    say "Docker $(docker version --format '{{.Server.Version}}') is running${started_by_hand:+ in the background, its log is in $log}"
    exit 0
  fi
  sleep 0.5
done
tail -n 15 "$log" >&2 2>/dev/null || true
fail "the daemon did not answer within $limit s; its log is in $log"
