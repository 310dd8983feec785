# Stand-in for cosign's own image: Debian's package of the same version.

FROM stand-in-rootfs:trixie AS cosign
# stand-in for: ghcr.io/sigstore/cosign/cosign:vVERSION
ARG VERSION
RUN apt-get update && apt-get install --yes --no-install-recommends cosign && apt-get dist-clean; \
    found=$(dpkg-query --show --showformat '${Version}' cosign); \
    case "$found" in "$VERSION"-*) ;; *) echo "stand-in: Debian's suite has cosign $found, not $VERSION" >&2; exit 1 ;; esac
USER 65532:65532
ENTRYPOINT ["cosign"]
