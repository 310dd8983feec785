# Stand-in for the official Node image: Node's own binary, which the npm registry has as a package
# for each platform, and npm beside it.

FROM stand-in-rootfs:trixie AS download
RUN apt-get update && apt-get install --yes --no-install-recommends curl jq openssl
WORKDIR /node
# Where the registry is, npm's own settings say: the host's, or else the default in Debian's npm package.
RUN set -eu; \
    if [ -n "${NPM_CONFIG_REGISTRY:-}" ]; then echo "${NPM_CONFIG_REGISTRY%/}"; else \
        apt-get download npm >&2; \
        dpkg-deb --fsys-tarfile npm_*.deb | tar --extract --to-stdout --wildcards '*/npm-registry-fetch/lib/default-opts.js' \
        | sed -n "s/^ *registry: '\(.*\)\/',\$/\1/p"; \
    fi >/registry; \
    grep '^https\{0,1\}://' /registry
# download PACKAGE MAJOR: the newest release of that major version, checked against the registry's digest.
RUN set -eu; \
    download() { \
        curl --fail --silent --show-error --location "$(cat /registry)/$1" \
        | jq --raw-output --arg major "$2." '[.versions[] | select(.version | startswith($major) and (contains("-") | not))] \
            | max_by(.version | split(".") | map(tonumber)).dist | "\(.tarball) \(.integrity)"' >/wanted; \
        read -r address integrity </wanted; \
        curl --fail --silent --show-error --location --output /package.tgz "$address"; \
        [ "sha512-$(openssl dgst -sha512 -binary /package.tgz | base64 --wrap=0)" = "$integrity" ]; \
        tar --extract --no-same-owner --strip-components=1 --file /package.tgz --directory "$3"; \
    }; \
    platform="$(dpkg --print-architecture | sed 's/amd64/x64/')"; \
    mkdir -p lib/node_modules/npm; \
    download "node-linux-$platform" 24 .; \
    download npm 11 lib/node_modules/npm; \
    rm package.json; \
    find include/node/openssl/archs -mindepth 1 -maxdepth 1 -not -name "linux-$(uname -m)" -exec rm -r '{}' +; \
    ln -s node bin/nodejs; \
    ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm; \
    ln -s ../lib/node_modules/npm/bin/npx-cli.js bin/npx


FROM stand-in-rootfs:trixie AS slim
# stand-in for: node:24-slim node:24-trixie-slim
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node \
    && apt-get update && apt-get install --yes --no-install-recommends libatomic1 && apt-get dist-clean
COPY --from=download /node /usr/local
COPY --chmod=755 node.entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN node --version && npm --version
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
