# Stand-in for the official registry: the same program in the release that Debian has.

FROM stand-in-rootfs:trixie AS registry
# stand-in for: registry:3
RUN apt-get update && apt-get install --yes --no-install-recommends docker-registry && apt-get dist-clean
# Debian's file names Debian's directories and caches; the official image has one with these lines.
RUN printf '%s\n' 'version: 0.1' 'storage:' '  delete: {enabled: true}' '  filesystem: {rootdirectory: /var/lib/registry}' \
        'http: {addr: ":5000"}' >/etc/docker/registry/config.yml
VOLUME /var/lib/registry
EXPOSE 5000
ENTRYPOINT ["docker-registry", "serve", "/etc/docker/registry/config.yml"]
