#!/usr/bin/env bash
# Bring up the engine and a folder's base images, build the folder, start it, and show what curl gets:
# `PORT=9000 bootstrap/up.sh step-1-kiss`.
set -euo pipefail

folder=$1
export PORT=${PORT:-8000}
url=http://localhost:$PORT
limit=60 # seconds until the first answer; it takes about two

cd "$(dirname "$0")/../$folder"

fail() {
  printf 'up: %s\n' "$*" >&2
  exit 1
}
port_in_use() {
  fail "port $PORT is in use on this machine: stop what listens there, or choose another one: make up STEP=$folder PORT=$((PORT + 1))"
}

[[ $PORT =~ ^[1-9][0-9]{0,4}$ && $PORT -le 65535 ]] || fail "PORT must be a number from 1 to 65535, got '$PORT'"

../bootstrap/engine.sh
../bootstrap/bases.sh "$folder"

# Started before on this port: compose will replace it. Otherwise nothing may answer there.
if [ "$(docker compose port web 8000 2>/dev/null | sed 's/.*://')" != "$PORT" ] &&
  (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
  port_in_use
fi

build_log=$(mktemp)
trap 'rm -f "$build_log"' EXIT
echo "up: building $folder"
if ! docker compose --progress plain build >"$build_log" 2>&1 </dev/null; then
  tail -n 25 "$build_log" >&2
  fail "the build of $folder failed; its last lines are above. By hand: cd $folder && docker compose build"
fi

if ! error=$(docker compose up --detach 2>&1 </dev/null); then
  docker compose down >/dev/null 2>&1
  case "$error" in *"already allocated"* | *"already in use"*) port_in_use ;; esac
  fail "$(tail -n 1 <<<"$error")"
fi

for ((i = 0; i < limit * 5; i++)); do
  answer=$(curl --silent --fail --max-time 5 "$url/") && break
  [ -n "$(docker compose ps --quiet --status running web)" ] || break
  sleep 0.2
done
if [ -z "${answer:-}" ]; then
  docker compose logs --tail 25 >&2
  docker compose down >/dev/null 2>&1
  fail "$folder does not answer on $url; its log is above"
fi

cat <<END

$url

  $ curl localhost:$PORT
  $answer

See the log:  cd $folder && docker compose logs --follow
Stop it:      make down STEP=$folder
END
