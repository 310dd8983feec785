# A stand-in for Redis's own image, from Debian's package. No folder needs it: `make adopt` tries apps with it.

FROM stand-in-rootfs:trixie AS server
# stand-in for: redis:8 redis:8-trixie
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server && apt-get dist-clean
WORKDIR /data
RUN chown redis:redis /data
USER redis
EXPOSE 6379
# As the official image: options alone are the server's, which answers other containers without a password, too.
ENTRYPOINT ["sh", "-c", "case $1 in redis-server | valkey-server) shift ;; esac; exec redis-server --protected-mode no \"$@\"", "redis"]
CMD ["redis-server"]
