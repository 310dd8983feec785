#!/bin/sh
# ./publish.sh localhost:5001/hello:1.0 builds, tests and pushes an image. release.env gets its digest.
set -eu
cd "$(dirname "$0")"
case ${1##*/} in *:?*) ;; *) echo "usage: ./publish.sh REPOSITORY:TAG" >&2 && exit 2 ;; esac
folder=$PWD frozen=$(mktemp -d)
export COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-hello}-candidate" PORT=0
trap 'docker compose --profile "*" down --volumes --rmi local; rm -rf "$frozen"' EXIT
trap 'exit 1' HUP INT TERM

# The label `revision`; it ends in -dirty if you have changed what the commit has.
GIT_COMMIT=${GIT_COMMIT:-$(git describe --always --abbrev=40 --exclude='*' --dirty 2>/dev/null || true)}
export GIT_COMMIT

# All builds use this copy, so what you save meanwhile gets into none of them.
tar -cf - --exclude ./.git --exclude ./.venv --exclude ./cosign.key . | tar -xf - -C "$frozen"
cd "$frozen"

docker compose build web
id=$(docker image inspect --format '{{.Id}}' "$COMPOSE_PROJECT_NAME-web")

# Delete these two lines in yours: they find the stand-ins that only this tutorial builds on.
stand_in=$(docker image inspect --format '{{index .Config.Labels "io.github.dockerizing-python.stand-in"}}' "$id")
[ -z "$stand_in" ] || { echo "not published: it is built on a stand-in for $stand_in" >&2; exit 1; }

# Tests and SBOM are about that very image. Without --build-context, the cache of another build could stand in for it.
stage() { docker build --build-context "production=docker-image://$COMPOSE_PROJECT_NAME-web" "$@" .; }
# If one of the app's tests fails, the script ends here.
stage --target test --tag "$COMPOSE_PROJECT_NAME-test"
docker compose run --rm test
stage --target sbom --output "$folder"

docker compose up --detach --wait --no-build web
curl --fail --silent --show-error "http://$(docker compose port web 8000)/"

docker tag "$id" "$1"
digest=$(docker push "$1" | sed -n 's/.*digest: sha256:\([0-9a-f]*\).*/\1/p')
printf 'REPOSITORY=%s\nDIGEST=%s\n' "${1%:*}" "${digest:?nothing was pushed}" >"$folder/release.env"
