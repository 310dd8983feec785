#!/bin/sh
# ./publish.sh localhost:5001/hello:1.0 builds, tests and pushes one and the same image. release.env gets its digest.
set -eu
cd "$(dirname "$0")"
folder=$PWD frozen=$(mktemp -d)
export COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-hello}-candidate" PORT=0
trap 'docker compose --profile "*" down --rmi local; rm -rf "$frozen"' EXIT

# All builds use this copy, so what you save meanwhile gets into none of them.
tar -cf - --exclude ./.git --exclude ./.venv . | tar -xf - -C "$frozen"
cd "$frozen"

docker compose build web
id=$(docker image inspect --format '{{.Id}}' "$(docker compose config --images web)")

# An image that is built on a stand-in contains addresses of the network where that was made.
stand_in=$(docker image inspect --format '{{index .Config.Labels "io.github.dockerizing-python.stand-in"}}' "$id")
[ -z "$stand_in" ] || { echo "not published: it is built on a stand-in for $stand_in" >&2; exit 1; }

# If one of the app's tests fails, the script ends here. They run on that image's own layers.
docker compose run --rm --build test
docker build --target sbom --output "$folder" .

docker compose up --detach --wait --no-build web
curl --fail --silent --show-error "http://$(docker compose port web 8000)/"

docker tag "$id" "$1"
digest=$(docker push "$1" | sed -n 's/.*digest: sha256:\([0-9a-f]*\).*/\1/p')
printf 'REPOSITORY=%s\nDIGEST=%s\n' "${1%:*}" "${digest:?nothing was pushed}" >"$folder/release.env"
