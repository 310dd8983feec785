# Stand-in for the official PostgreSQL image, from Debian's package.

FROM stand-in-rootfs:trixie AS locale
RUN apt-get update && apt-get install --yes --no-install-recommends locales \
    && localedef --inputfile=en_US --charmap=UTF-8 en_US.UTF-8


FROM stand-in-rootfs:trixie AS server
# stand-in for: postgres:17 postgres:17-trixie
# The numbers are the official image's: volumes move between it and this one.
RUN groupadd --system --gid 999 postgres \
    && useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql
# Without a cluster of Debian's own. gosu gives up root without staying in between.
RUN set -eu; \
    apt-get update; \
    apt-get install --yes --no-install-recommends gosu postgresql-common xz-utils zstd; \
    sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf; \
    apt-get install --yes --no-install-recommends postgresql-17; \
    apt-get dist-clean; \
    find / -xdev -name '*.pyc' -delete
COPY --from=locale /usr/lib/locale /usr/lib/locale
ENV LANG=en_US.utf8 PG_MAJOR=17 PGDATA=/var/lib/postgresql/data
ENV PATH=$PATH:/usr/lib/postgresql/17/bin
# A container's server is there for the network. The directories are open to any user, so that
# `docker run --user` works; the server narrows its own down to 0700.
RUN set -eu; \
    sed -i "s/^#listen_addresses.*/listen_addresses = '*'/" /usr/share/postgresql/17/postgresql.conf.sample; \
    grep '^listen_addresses' /usr/share/postgresql/17/postgresql.conf.sample; \
    install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql; \
    install --directory --owner postgres --group postgres --mode 1777 "$PGDATA"; \
    mkdir /docker-entrypoint-initdb.d
COPY --chmod=755 postgres.entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN postgres --version && pg_isready --version
VOLUME /var/lib/postgresql/data
EXPOSE 5432
# SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for every client to leave.
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
