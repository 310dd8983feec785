#!/bin/sh
# ./deploy.sh starts what release.env names once cosign has verified its signature. Otherwise, the old one goes on.
set -eu
cd "$(dirname "$0")"
COSIGN_USER=$(id -u)
export COSIGN_USER
mkdir -p "${DOCKER_CONFIG:-$HOME/.docker}" # otherwise, Docker makes it when it is mounted, and it is root's

# Compose reads .env by itself only if no other file is named.
settings=/dev/null
[ ! -f .env ] || settings=.env
release() {
  docker compose --env-file "$settings" --env-file release.env --file compose.yaml --file compose.release.yaml "$@"
}
release run --rm --no-TTY verify
release up --detach --wait web
