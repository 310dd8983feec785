# Stand-in for uv's own image: the same program, linked statically, which the package index has inside of uv's wheel.

FROM stand-in-rootfs:trixie AS download
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
ARG VERSION
# Debian's pip does not resume a download by itself.
RUN pip install --resume-retries 5 --no-cache-dir --no-compile --no-deps \
        --platform "musllinux_1_1_$(uname -m)" --only-binary :all: --target /wheel "uv==$VERSION" \
    && /wheel/bin/uv --version


FROM scratch AS uv
# stand-in for: ghcr.io/astral-sh/uv:VERSION
COPY --from=download /wheel/bin/uv /wheel/bin/uvx /
WORKDIR /io
ENTRYPOINT ["/uv"]
