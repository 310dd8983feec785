# Stand-in for cosign's own image: Debian's package of the same version, which is in a newer suite.

FROM stand-in-rootfs:trixie AS cosign
# stand-in for: ghcr.io/sigstore/cosign/cosign:vVERSION
ARG VERSION
RUN sed '/^$/q; s/^Suites: .*/Suites: forky/' /etc/apt/sources.list.d/debian.sources >/etc/apt/sources.list.d/forky.sources; \
    printf 'Package: *\nPin: release n=forky*\nPin-Priority: 100\n' >/etc/apt/preferences.d/forky; \
    apt-get update && apt-get install --yes --no-install-recommends cosign/forky && apt-get dist-clean; \
    found=$(dpkg-query --show --showformat '${Version}' cosign); \
    case "$found" in "$VERSION"-*) ;; *) echo "stand-in: Debian's suite has cosign $found, not $VERSION" >&2; exit 1 ;; esac
USER 65532:65532
ENTRYPOINT ["cosign"]
