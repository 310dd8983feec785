#!/bin/sh
# ./deploy.sh starts what release.env names once cosign.pub has verified its signature. Otherwise, what runs goes on.
set -eu
cd "$(dirname "$0")"
COSIGN_USER=$(id -u)
export COSIGN_USER

release() { docker compose --env-file release.env --file compose.yaml --file compose.release.yaml "$@"; }
release run --rm --no-TTY verify
release up --detach --wait web
