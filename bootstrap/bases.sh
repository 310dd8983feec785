#!/usr/bin/env bash
# Make sure that every base image which the folders name is here.
#
#   bases.sh [FOLDER ...]         pull what is missing; where no registry answers, build a stand-in
#   bases.sh --list [FOLDER ...]  only say which images are named, and where
#
# Without a FOLDER the whole repository is looked at. An image that is here or that
# can be pulled is never touched. README.md says what a stand-in is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
recipes=$here/recipes
label=io.github.dockerizing-python.stand-in
patience=8 # seconds in which a registry has to answer

say() { printf 'bases: %s\n' "$*"; }
fail() {
  printf 'bases: %s\n' "$*" >&2
  exit 1
}

# --- Which images do the folders name? -------------------------------------------------

# "IMAGE<tab>FILE" for each FROM and --from= that names no stage of the same file.
named_in_dockerfile() {
  awk '
    function found(image) { if (!(image in stages) && image != "scratch") print image "\t" FILENAME }
    /^[ \t]*#/ { next }
    $1 == "FROM" { found($2); if ($3 == "AS") stages[$4] }
    { while (match($0, /[-,=]from=[^ ,]+/)) {
        image = substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH)
        sub(/.*=/, "", image); found(image) } }' "$1"
}

# "IMAGE<tab>FILE" for each service with an image, unless a variable names it: in these folders, one that is built has none.
named_in_compose() {
  sed -nE 's/^ +image: *"?([^"#$ ][^"# ]*)"?.*/\1/p' "$1" | awk -v file="$1" '{ print $0 "\t" file }'
}

# One name for each image: with a tag, and without the default registry. A digest behind a tag is left out: no stand-in has it.
named() {
  local file
  find "$@" \( -name .git -o -name .venv -o -name node_modules -o -path "$here" -o -path "$root/exercises" \) -prune -o -type f \
    \( -name '*Dockerfile' -o -name 'compose*.y*ml' -o -name 'docker-compose*.y*ml' \) -print |
    LC_ALL=C sort |
    while IFS= read -r file; do
      case "$file" in
        *Dockerfile) named_in_dockerfile "$file" ;;
        *) named_in_compose "$file" ;;
      esac
    done |
    sed -E -e 's,^docker\.io/,,' -e 's,^library/,,' -e 's,^([^@]*:[^@/]*)@sha256:[0-9a-f]*,\1,' |
    awk -F '\t' -v root="$root/" '
      { image = $1; if (image !~ /[:@][^\/]*$/) image = image ":latest"
        file = $2; if (index(file, root) == 1) file = substr(file, length(root) + 1)
        if (!seen[image]++) print image "\t" file }'
}

list=no
if [ "${1:-}" = --list ]; then
  list=yes
  shift
fi
folders=()
for folder; do
  if [ -d "$folder" ]; then
    folders+=("$(cd "$folder" && pwd)")
  elif [ -d "$root/$folder" ]; then
    folders+=("$root/$folder")
  else
    printf 'bases: no folder %s, neither here nor in %s\n' "$folder" "$root" >&2
    exit 2
  fi
done
[ ${#folders[@]} -gt 0 ] || folders=("$root")

table=$(named "${folders[@]}")
if [ "$list" = yes ]; then
  [ -z "$table" ] || printf '%s\n' "$table"
  exit 0
fi

# --- What is missing, and can it be pulled? --------------------------------------------

images=()
while IFS=$'\t' read -r image _; do
  [ -z "$image" ] || images+=("$image")
done <<<"$table"
[ ${#images[@]} -gt 0 ] || exit 0

present() { docker image inspect "$@" >/dev/null 2>&1; }
! present "${images[@]}" || exit 0
docker version >/dev/null 2>&1 || fail "no Docker engine answers: run bootstrap/engine.sh first"

set -m # each background job is a process group, which can be stopped as a whole
work=$(mktemp -d "${TMPDIR:-/tmp}/bases.XXXXXX")
export TMPDIR=$work # what the tools leave behind goes with it
keep=no # the logs, once something has failed
unfinished=()
clean_up() {
  local status=$? running
  trap - EXIT INT TERM HUP
  for running in $(jobs -p); do kill -- "-$running" 2>/dev/null || true; done
  wait 2>/dev/null
  [ ${#unfinished[@]} -eq 0 ] || docker image rm "${unfinished[@]}" >/dev/null 2>&1 || true
  if [ "$keep" = yes ]; then
    find "$work" -mindepth 1 -maxdepth 1 ! -name '*.log' -exec rm -rf {} +
  else
    rm -rf "$work"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A registry that did not answer once is not asked again.
silent=' '
reason=
pull() {
  local image=$1 registry=${1%%/*} log=$work/pull.log puller i
  case "$registry" in
    "$image" | *[!a-zA-Z0-9.:-]*) registry=docker.io ;;
    *.* | *:* | localhost) ;;
    *) registry=docker.io ;;
  esac
  case "$silent" in *" $registry "*) return 1 ;; esac
  : >"$log"
  docker pull "$image" >>"$log" 2>&1 </dev/null &
  puller=$!
  for ((i = 0; i < patience * 10; i++)); do
    kill -0 "$puller" 2>/dev/null || break
    if grep -q 'Pulling from' "$log"; then
      say "pulling $image"
      break
    fi
    sleep 0.1
  done
  if ((i == patience * 10)); then
    kill -- "-$puller" 2>/dev/null || true
    wait "$puller" || true
    reason="no answer from $registry in $patience s"
    silent+="$registry "
    return 1
  fi
  if wait "$puller"; then return 0; fi
  reason=$(grep . "$log" | tail -n 1 | sed 's/^Error response from daemon: //')
  # A refusal is an answer: the next image may be another matter.
  grep -qiE 'pulling from|manifest (unknown|for)|not found|denied|unauthorized|toomanyrequests|no matching' "$log" || silent+="$registry "
  return 1
}

missing=()
for image in "${images[@]}"; do
  present "$image" || pull "$image" || missing+=("$image")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# --- Build stand-ins for the rest. -----------------------------------------------------

# "RECIPE STAGE VERSION NAME ..." for the image: a recipe says below each final stage what that stands in for, where
# VERSION is the image's own (3.14 or 0.13.8, say); it is "-" where the names have none.
recipe_for() {
  awk -v image="$1" '
    BEGIN { version = "-"; if (match(image, /:v?[0-9]+(\.[0-9]+)+/)) { version = substr(image, RSTART + 1, RLENGTH - 1); sub(/^v/, "", version) } }
    toupper($1) == "FROM" { stage = $NF }
    /^# stand-in for:/ {
      found = /VERSION/ ? version : "-"
      gsub(/VERSION/, version)
      for (i = 4; i <= NF; i++) if ($i == image) {
        recipe = FILENAME; sub(/.*\//, "", recipe); sub(/\.Dockerfile$/, "", recipe)
        sub(/^# stand-in for: */, ""); print recipe, stage, found, $0; exit
      }
    }' "$recipes"/*.Dockerfile
}

jobs=() # each recipe's stage once, however many of its names are missing
for image in "${missing[@]}"; do
  job=$(recipe_for "$image")
  if [ -z "$job" ]; then
    file=$(awk -F '\t' -v image="$image" '$1 == image { print $2 }' <<<"$table")
    fail "$image (named in $file) is not here, cannot be pulled ($reason), and no recipe in bootstrap/recipes makes it: load it with 'docker load', or add a recipe (bootstrap/README.md)"
  fi
  case $'\n'"$(printf '%s\n' ${jobs[@]+"${jobs[@]}"})"$'\n' in *$'\n'"$job"$'\n'*) ;; *) jobs+=("$job") ;; esac
done

cannot="${missing[*]} cannot be pulled ($reason)"
# shellcheck source=/dev/null
[ ! -r /etc/os-release ] || . /etc/os-release
case "${ID:-unknown} ${ID_LIKE:-}" in
  *debian* | *ubuntu*) ;;
  *) fail "$cannot; a stand-in can only be built on Debian or Ubuntu: use 'docker load' with images saved elsewhere" ;;
esac
[ "$(id -u)" -eq 0 ] || fail "$cannot; to build stand-ins from Debian's packages, run as root: sudo $0"

# One run builds at a time; the next one finds most of its work done.
exec 9>/run/lock/dockerizing-python-bases
if ! flock --nonblock 9; then
  say "another run is building: waiting for it"
  flock 9
  ! present "${missing[@]}" || exit 0
fi

say "$cannot: building stand-ins, which takes some minutes; logs are in $work"

# run_logged NAME COMMAND ...: with its output in a file, whose end is shown when it fails.
run_logged() {
  local name=$1 reason
  shift
  # In the background, so that a signal need not wait for it. No `set -e` in here: it is a condition.
  "$@" >"$work/$name.log" 2>&1 </dev/null &
  if wait $!; then return 0; fi
  # A recipe that knows what is wrong says so in one line.
  reason=$(sed -nE 's/^#[0-9]+ [0-9.]+ stand-in: //p' "$work/$name.log" | head -n 1)
  if [ -n "$reason" ]; then
    printf 'bases: %s cannot be built: %s\n' "$name" "$reason" >&2
    return 1
  fi
  printf 'bases: %s failed; the whole output is in %s, its end:\n' "$name" "$work/$name.log" >&2
  tail -n 15 "$work/$name.log" | sed 's/^/    /' >&2
  return 1
}

# mirror LABEL: where this machine's apt finds Debian, or its security updates.
mirror() {
  # shellcheck disable=SC2016 # apt's own variable
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | head -n 1
}

# pip's own setting, if it is an address: from its environment, else from its files.
pip_setting() {
  { pip config list || pip3 config list; } 2>/dev/null | sed -n "s/^[^ ]*\.$1='\(.*\)'\$/\1/p" | head -n 1
}

# What a container needs to know of this network, as "NAME=VALUE" lines: the extra certificate
# authorities (each tool has its own variable), the proxy, and other package indexes.
network_environment() {
  local bundle=/etc/ssl/certs/ca-certificates.crt name index registry
  if [ -n "$authorities" ]; then
    printf '%s\n' "SSL_CERT_FILE=$bundle" "REQUESTS_CA_BUNDLE=$bundle" "NODE_EXTRA_CA_CERTS=$bundle"
  fi
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || printf '%s=%s\n' "$name" "${!name}"
  done
  index=$(pip_setting index-url)
  case "$index" in
    http*) printf '%s\n' "PIP_INDEX_URL=$index" "UV_DEFAULT_INDEX=$index" ;;
  esac
  index=$(pip_setting trusted-host)
  [ -z "$index" ] || printf 'PIP_TRUSTED_HOST=%s\n' "$index"
  registry=$(npm config list 2>/dev/null | sed -n 's/^registry = "\(http.*\)".*/\1/p' | head -n 1)
  [ -z "$registry" ] || printf 'NPM_CONFIG_REGISTRY=%s\n' "$registry"
}

# The root file system that every recipe starts from.
make_rootfs() {
  local debian=$1 security=$2 overlay=$work/overlay sources=$work/debian.sources name changes=() options=()
  mkdir -p "$overlay/etc/apt/apt.conf.d" "$overlay/usr/local/share/ca-certificates"
  # apt's files are laid over at the end: run on this machine, they would empty its own caches.
  cp "$recipes/debian.apt.conf" "$overlay/etc/apt/apt.conf.d/docker-clean"
  [ -z "$apt_settings" ] || printf '%s\n' "$apt_settings" >"$overlay/etc/apt/apt.conf.d/host-settings"
  [ -z "$authorities" ] || cp -R /usr/local/share/ca-certificates/. "$overlay/usr/local/share/ca-certificates/"
  {
    source_entry "$debian" 'trixie trixie-updates'
    [ -z "$security" ] || source_entry "$security" trixie-security
  } >"$sources"
  [ -z "$apt_settings" ] || while IFS= read -r name; do options+=(--aptopt="$name"); done <<<"$apt_settings"

  # shellcheck disable=SC2016 # $1 is the new root, when mmdebstrap runs the hook
  mmdebstrap --mode=root --variant=minbase --format=tar --include=ca-certificates,netbase,tzdata \
    --dpkgopt="$recipes/debian.dpkg.cfg" --aptopt='Dir::Cache { pkgcache ""; srcpkgcache ""; }' ${options[@]+"${options[@]}"} \
    --customize-hook='mv "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$1/etc/dpkg/dpkg.cfg.d/docker"' \
    --customize-hook='rm -f "$1/etc/apt/sources.list" "$1/etc/apt/apt.conf.d/99mmdebstrap"' \
    --customize-hook='mv "$1"/etc/apt/sources.list.d/*.sources "$1/etc/apt/sources.list.d/debian.sources"' \
    --customize-hook="cp -R '$overlay/.' \"\$1\" && chroot \"\$1\" update-ca-certificates" \
    trixie "$work/rootfs.tar" "$sources" || return 1

  while IFS= read -r name; do
    [ -z "$name" ] || changes+=(--change "ENV $name")
  done <<<"$environment"
  # Its predecessor would stay behind without a name.
  docker image rm stand-in-rootfs:trixie 2>/dev/null || true
  docker import --change 'CMD ["bash"]' --change "LABEL $label=rootfs $label.settings=$settings" \
    ${changes[@]+"${changes[@]}"} "$work/rootfs.tar" stand-in-rootfs:trixie || return 1
  rm "$work/rootfs.tar"
}

source_entry() {
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n' "$1" "$2"
}

# assemble RECIPE STAGE VERSION OPTION ...: the recipe, then the lines that its .finish.sh prints inside
# the result. Only the complete image gets its names, which are among the options.
assemble() {
  local recipe=$1 stage=$2 version=$3 draft=stand-in-draft:$1-$2-$3 finish=$recipes/$1.finish.sh lines=$work/$1-$2-$3.Dockerfile
  shift 3
  docker build --progress=plain --file "$recipes/$recipe.Dockerfile" --target "$stage" --build-arg "VERSION=$version" \
    --tag "$draft" "$recipes" || return 1
  printf 'FROM %s\n' "$draft" >"$lines"
  [ ! -e "$finish" ] || docker run --rm --interactive --entrypoint sh "$draft" <"$finish" >>"$lines" || return 1
  cat "$lines"
  docker build --progress=plain "$@" - <"$lines"
}

# build RECIPE STAGE VERSION NAME ...
build() {
  local recipe=$1 stage=$2 version=$3 names=() name began=$SECONDS
  shift 3
  for name; do present "$name" || names+=(--tag "$name"); done
  [ ${#names[@]} -gt 0 ] || return 0
  run_logged "$recipe-$stage-$version" assemble "$recipe" "$stage" "$version" --label "$label=$1" "${names[@]}" || return 1
  say "built a stand-in for $* ($(docker image inspect --format '{{.Size}}' "$1" | awk '{ printf "%.0f MB", $1 / 1e6 }'), $((SECONDS - began)) s)"
}

# The root file system is made again when the network's settings have changed.
authorities=$(find /usr/local/share/ca-certificates -name '*.crt' -print 2>/dev/null | LC_ALL=C sort)
apt_settings=$(apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' || true)
environment=$(network_environment)
debian=${DEBIAN_MIRROR:-$(mirror Debian)}
security=${DEBIAN_SECURITY_MIRROR:-$(mirror Debian-Security)}
[ -n "$debian" ] || fail "no Debian mirror in apt's sources: name one, as in DEBIAN_MIRROR=http://.../debian $0"
settings=$({
  printf '%s\n' "$apt_settings" "$environment" "$debian" "$security"
  [ -z "$authorities" ] || xargs -d '\n' cat <<<"$authorities"
  cat "$recipes"/debian.*
  declare -f make_rootfs
} | sha256sum | cut -c 1-16)

if [ "$(docker image inspect --format "{{index .Config.Labels \"$label.settings\"}}" stand-in-rootfs:trixie 2>/dev/null)" != "$settings" ]; then
  if ! command -v mmdebstrap >/dev/null || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
    say "installing mmdebstrap"
    export DEBIAN_FRONTEND=noninteractive
    install_tools() {
      apt-get update && apt-get install --yes --no-install-recommends mmdebstrap debian-archive-keyring ca-certificates
    }
    run_logged install install_tools || { keep=yes; exit 1; }
  fi
  began=$SECONDS
  run_logged rootfs make_rootfs "$debian" "$security" || { keep=yes; exit 1; }
  say "made a root file system from Debian's packages ($((SECONDS - began)) s)"
fi

# All at once: what two stages share is built once, and apt downloads while gcc works.
builders=()
for job in "${jobs[@]}"; do
  read -r recipe stage version _ <<<"$job"
  unfinished+=("stand-in-draft:$recipe-$stage-$version")
  # shellcheck disable=SC2086 # RECIPE STAGE VERSION NAME ...
  build $job &
  builders+=($!)
done
for builder in "${builders[@]}"; do
  wait "$builder" || keep=yes
done
[ "$keep" = no ]
