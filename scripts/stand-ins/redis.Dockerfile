# The official Redis image's interface on Debian's own Redis.
ARG BASE
FROM ${BASE}

# The number that the official image has: compose files give it to tmpfs and volumes.
RUN groupadd --system --gid 999 redis \
 && useradd --system --uid 999 --gid redis --home-dir /data redis \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* /var/log/* \
 && install -d -o redis -g redis /data
COPY redis-entrypoint.sh /usr/local/bin/docker-entrypoint.sh

ENV LANG=C.UTF-8
ARG STAND_IN
LABEL dev.seatrial.stand-in="${STAND_IN}"
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
