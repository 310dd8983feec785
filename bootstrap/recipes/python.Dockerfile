# Stand-ins for the official Python images: same layout, from Debian's own copy of the source.
# CPython is compiled once; the slim and the full image take it from the same stage.

FROM stand-in-rootfs:trixie AS base
# Ours before Debian's, should a package bring another Python.
ENV PATH=/usr/local/bin:$PATH


FROM base AS compile
RUN set -eu; \
    apt-get update; \
    apt-get install --yes --no-install-recommends \
        dpkg-dev gcc libbluetooth-dev libbz2-dev libc6-dev libdb-dev libffi-dev libgdbm-dev liblzma-dev \
        libncursesw5-dev libreadline-dev libsqlite3-dev libssl-dev make tk-dev uuid-dev xz-utils zlib1g-dev

# Only the tarball as upstream published it: Debian's patches move site-packages to dist-packages.
# apt checks it against the signed index of the suite.
WORKDIR /usr/src/python
RUN set -eu; \
    sed -i 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources; \
    apt-get update; \
    apt-get source --download-only --only-source python3.13; \
    tar --extract --strip-components=1 --file python3.13_*.orig.tar.xz

# The official image's options, without --enable-optimizations and --with-lto: half an hour of
# compiling for some 20 % of speed is a bad deal for a stand-in. Nor are tests and debugging symbols
# built, which the official image removes afterwards.
# The interpreter is linked a second time with a relative path to its library, so that it
# never picks up a libpython of the same version from elsewhere.
# --help is all that compileall does then: the official image removes the bytecode anyway.
RUN set -eu; \
    ./configure \
        --build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)" \
        --enable-loadable-sqlite-extensions \
        --enable-option-checking=fatal \
        --enable-shared \
        --with-ensurepip \
        --disable-test-modules; \
    flags="$(dpkg-buildflags --get CFLAGS) -g0"; \
    link="$(dpkg-buildflags --get LDFLAGS),--strip-all"; \
    make --jobs="$(nproc)" EXTRA_CFLAGS="$flags" LDFLAGS="$link"; \
    rm python; \
    make EXTRA_CFLAGS="$flags" LDFLAGS="$link,-rpath='\$\$ORIGIN/../lib'" python; \
    make install COMPILEALL_OPTS=--help; \
    find /usr/local -depth \
        \( -type d \( -name test -o -name tests -o -name idle_test \) \
        -o -type f \( -name '*.pyc' -o -name '*.pyo' -o -name 'libpython*.a' \) \) \
        -exec rm -rf '{}' +; \
    for name in idle pip pydoc python; do ln -s "${name}3" "/usr/local/bin/$name"; done; \
    ln -s python3-config /usr/local/bin/python-config

# The packages that hold the shared libraries Python is linked with (Tk's are left out, as in
# the official slim image).
RUN set -eu; \
    find /usr/local -type f -executable -not -name '*tkinter*' -exec ldd '{}' ';' \
    | awk '/=> \// { print $3 }' | grep -v '^/usr/local/' | sort -u \
    | xargs -n 1 readlink -f | sort -u \
    | xargs dpkg-query --search | sed 's/: .*//' | sort -u >/usr/src/libraries


FROM base AS slim
# stand-in for: python:3.13-slim python:3.13-slim-trixie
RUN --mount=from=compile,source=/usr/src/libraries,target=/tmp/libraries \
    apt-get update && xargs apt-get install --yes --no-install-recommends </tmp/libraries && apt-get dist-clean
COPY --from=compile /usr/local /usr/local
RUN ldconfig && export PYTHONDONTWRITEBYTECODE=1 && python3 --version && pip --version
CMD ["python3"]


FROM base AS full
# stand-in for: python:3.13 python:3.13-trixie
# What the official image has through buildpack-deps: compilers, version control, usual headers.
RUN apt-get update && apt-get install --yes --no-install-recommends \
        autoconf automake bzip2 curl default-libmysqlclient-dev dpkg-dev file g++ gcc git gnupg imagemagick \
        libbluetooth-dev libbz2-dev libc6-dev libcurl4-openssl-dev libdb-dev libevent-dev libffi-dev libgdbm-dev \
        libglib2.0-dev libgmp-dev libjpeg-dev libkrb5-dev liblzma-dev libmagickcore-dev libmagickwand-dev \
        libmaxminddb-dev libncurses5-dev libncursesw5-dev libpng-dev libpq-dev libreadline-dev libsqlite3-dev \
        libssl-dev libtool libwebp-dev libxml2-dev libxslt-dev libyaml-dev make mercurial openssh-client patch \
        procps sq subversion tk-dev unzip uuid-dev wget xz-utils zlib1g-dev \
    && apt-get dist-clean
COPY --from=compile /usr/local /usr/local
RUN ldconfig && export PYTHONDONTWRITEBYTECODE=1 && python3 --version && pip --version
CMD ["python3"]
