#!/bin/sh
# ./sign.sh signs what release.env names, and attaches the SBOM, bom.json. For an image index, name each platform's SBOM.
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
# The signature names the repository, so that nobody can use it for an image of another one.
cosign sign --annotations "repository=$REPOSITORY"
for sbom; do cosign attest --type cyclonedx --predicate "$sbom"; done
