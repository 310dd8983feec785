# Stand-ins for the official Python images: same layout, from Debian's own copy of the source.
# bases.sh says which version. CPython is compiled once; the slim and the full image take it from the same stage.

FROM stand-in-rootfs:trixie AS base
# Ours before Debian's, should a package bring another Python.
ENV PATH=/usr/local/bin:$PATH


# Only the tarball as upstream published it: Debian's patches move site-packages to dist-packages.
# apt checks it against the signed index of the suite. A version that the suite does not have may be in the
# pool of the same mirror: its sum is the one in the .dsc that Debian's maintainer has signed, and a version whose .dsc
# is not there (3.15.0~rc2) is not taken.
FROM base AS source
ARG VERSION
WORKDIR /usr/src/tarball
RUN set -eu; \
    sed -i 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources; \
    apt-get update; \
    if ! apt-get source --download-only --only-source "python$VERSION"; then \
        case "$VERSION" in \
            3.11) release=3.11.2 sum=2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849 ;; \
            3.14) release=3.14.7 sum=3b48dac8fb59f62eaa67ac83c1eb12bda1b7a08406dd286e252c11a66be27f81 ;; \
            3.15) release=3.15.0~rc1 sum=f84dad680ab2147417d2739355c2678f0f9acffe4ae8ef77895de1454b384b07 ;; \
            *) echo "stand-in: Debian's suite has no source of Python $VERSION, and recipes/python.Dockerfile names no other" >&2; exit 1 ;; \
        esac; \
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Sources' 'Label: Debian' | head -n 1); \
        tarball="python${VERSION}_$release.orig.tar.$([ "$VERSION" = 3.11 ] && echo gz || echo xz)"; \
        /usr/lib/apt/apt-helper download-file "${mirror%/}/pool/main/p/python$VERSION/$tarball" "$tarball" "SHA256:$sum"; \
    fi


FROM base AS compile
RUN set -eu; \
    apt-get update; \
    apt-get install --yes --no-install-recommends \
        dpkg-dev gcc libbluetooth-dev libbz2-dev libc6-dev libdb-dev libffi-dev libgdbm-dev liblzma-dev \
        libncursesw5-dev libreadline-dev libsqlite3-dev libssl-dev libzstd-dev make tk-dev uuid-dev xz-utils zlib1g-dev
WORKDIR /usr/src/python
RUN --mount=from=source,source=/usr/src/tarball,target=/usr/src/tarball \
    tar --extract --strip-components=1 --file /usr/src/tarball/python3*.orig.tar.*z

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
# stand-in for: python:VERSION-slim python:VERSION-slim-trixie
RUN --mount=from=compile,source=/usr/src/libraries,target=/tmp/libraries \
    apt-get update && xargs apt-get install --yes --no-install-recommends </tmp/libraries && apt-get dist-clean
COPY --from=compile /usr/local /usr/local
RUN ldconfig && export PYTHONDONTWRITEBYTECODE=1 && python3 --version && pip --version
CMD ["python3"]


FROM base AS full
# stand-in for: python:VERSION python:VERSION-trixie
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
