#!/bin/sh
# ./publish.sh localhost:5001/hello:1.0 builds once, tests that very image, pushes it, and signs what the registry has.
set -eu
cd "$(dirname "$0")"
name=${1%:*}

cosign() { docker compose --file compose.publish.yaml run --rm --no-TTY cosign "$@"; }
# As it is deployed, but under a name and on a port of its own, and before anybody has signed it.
candidate() {
  IMAGE=$id PORT=0 docker compose --project-name "${COMPOSE_PROJECT_NAME:-hello}-candidate" --file compose.yaml --file compose.release.yaml "$@"
}

# The app's tests pass, or nothing is published. They run on production's own layers.
docker compose run --rm --build test
docker build --target bom --output . .
docker compose build web
id=$(docker image inspect --format '{{.Id}}' "$(docker compose config --images web)")

# Somebody else's network is written into an image that is built on a stand-in.
stand_in=$(docker image inspect --format '{{index .Config.Labels "io.github.dockerizing-python.stand-in"}}' "$id")
[ -z "$stand_in" ] || { echo "not published: it is built on a stand-in for $stand_in" >&2; exit 1; }

trap 'candidate down' EXIT
candidate up --detach --wait --no-deps web
curl --fail --silent --show-error "http://$(candidate port web 8000)/"

docker tag "$id" "$1"
digest=$(docker push "$1" | sed -n 's/.*digest: \(sha256:[0-9a-f]*\).*/\1/p')
image=$name@${digest:?nothing was pushed}
cosign sign --yes --key "${COSIGN_KEY:-cosign.key}" --tlog-upload=false "$image"
cosign attest --yes --key "${COSIGN_KEY:-cosign.key}" --tlog-upload=false --type cyclonedx --predicate bom.json "$image"
echo "IMAGE=$image" >release.env
