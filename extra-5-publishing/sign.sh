#!/bin/sh
# ./sign.sh signs what release.env names, and attaches bom.json to it, signed. For an index, name the bills of its platforms.
set -eu
cd "$(dirname "$0")"
# shellcheck source=/dev/null
. ./release.env
[ $# -gt 0 ] || set -- bom.json

cosign() {
  what=$1
  shift
  COSIGN_USER=$(id -u) docker compose --file compose.publish.yaml run --rm --no-TTY cosign \
    "$what" --yes --key "${COSIGN_KEY:-cosign.key}" --signing-config signing-config.json "$@" "$REPOSITORY@sha256:$DIGEST"
}
# The signature says for which repository it is: in another one, it is worth nothing.
cosign sign --annotations "repository=$REPOSITORY"
for bill; do cosign attest --type cyclonedx --predicate "$bill"; done
