#!/bin/sh
# ./join.sh 1.0 amd64 arm64 makes one image index of the images that amd64/release.env and arm64/release.env name, and
# gives it the tag 1.0. release.env gets the digest of the index.
set -eu
cd "$(dirname "$0")"
tag=$1
shift

for platform; do
  # shellcheck source=/dev/null
  . "./$platform/release.env"
  set -- "$@" "$REPOSITORY@sha256:$DIGEST"
  shift
done
docker buildx imagetools create --tag "$REPOSITORY:$tag" "$@"
DIGEST=$(docker buildx imagetools inspect --format '{{json .Manifest}}' "$REPOSITORY:$tag" |
  sed -n 's/^ *"digest": "sha256:\([0-9a-f]*\)".*/\1/p' | head -n 1)
printf 'REPOSITORY=%s\nDIGEST=%s\n' "$REPOSITORY" "${DIGEST:?it is not there}" >release.env
