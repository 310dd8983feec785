# Production's files, and what they are linked with: no shell, no package manager, no pip, nothing else of Debian.
FROM production AS files
USER 0
RUN rm -rf /usr/local/lib/python3.*/site-packages/pip* /usr/local/lib/python3.*/ensurepip && mkdir /runtime && \
    cp --archive --parents --target-directory /runtime /app /data /venv /usr/local/bin/python* /usr/local/lib \
        /etc/group /etc/passwd /etc/ld.so.cache /etc/ssl/certs /usr/share/zoneinfo && \
    ldd /usr/local/bin/python3 $(find /usr/local/lib /venv -name '*.so*' -type f) | \
        awk '/=> \/(usr\/)?lib/ { print $3 } $1 ~ /^\/.*ld-linux/ { print $1 }' | sort --unique | \
        xargs cp --dereference --parents --target-directory /runtime && \
    install --directory --mode 1777 /runtime/tmp


FROM scratch AS distroless
COPY --from=files /runtime /
# ENV, WORKDIR, USER, HEALTHCHECK and CMD are no files. Write production's lines here: without USER, it runs as root.
