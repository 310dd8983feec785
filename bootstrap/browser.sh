#!/usr/bin/env bash
# Make sure that the browser test finds a browser: Chromium or Chrome, and the chromedriver of the same version.
#
# Nothing happens where both are there. On Debian, as root, Debian's own packages are installed. Anywhere else one
# line says what to install; the browser test is then skipped, all others run.
set -euo pipefail

say() { printf 'browser: %s\n' "$*"; }

if command -v chromium || command -v google-chrome || command -v google-chrome-stable; then
  ! command -v chromedriver || exit 0
fi >/dev/null
# Selenium finds Chrome there by itself, and fetches its driver.
[ ! -d '/Applications/Google Chrome.app' ] || exit 0

# shellcheck source=/dev/null
[ -r /etc/os-release ] && . /etc/os-release
if [ "${ID:-}" != debian ] || [ "$(id -u)" -ne 0 ]; then
  say "no Chromium or Chrome with chromedriver: the browser test will be skipped (Debian: apt install chromium chromium-driver; elsewhere: https://www.google.com/chrome/)"
  exit 0
fi

say "installing Debian's chromium and chromium-driver"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install --yes --no-install-recommends chromium chromium-driver; } >"$log" 2>&1 </dev/null; then
  tail -n 15 "$log" >&2
  say "apt could not install Chromium: the browser test will be skipped; the whole output is in $log"
fi
