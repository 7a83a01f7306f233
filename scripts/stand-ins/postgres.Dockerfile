# The official PostgreSQL image's interface on Debian's own PostgreSQL.
ARG BASE
FROM ${BASE}

# The number that the official image has: compose files give it to tmpfs and volumes.
RUN groupadd --system --gid 999 postgres \
 && useradd --system --uid 999 --gid postgres --shell /bin/bash --home-dir /var/lib/postgresql postgres

# No cluster yet: the entry point makes it. No just-in-time compiler: it is half of the size, and
# PostgreSQL runs without.
ARG VERSION
RUN mkdir -p /etc/postgresql-common \
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && printf 'path-exclude=%s\n' '/usr/lib/*/libLLVM*' '/usr/lib/*/libz3.so*' \
        '/usr/lib/postgresql/*/lib/llvmjit*' '/usr/lib/postgresql/*/lib/bitcode/*' \
        > /etc/dpkg/dpkg.cfg.d/no-jit \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        "postgresql-$VERSION" tzdata \
 && rm -rf /etc/dpkg/dpkg.cfg.d/no-jit /var/lib/apt/lists/* /var/log/*

# The server's own programs come before /usr/bin, where Debian has slow Perl wrappers for them.
ENV LANG=C.UTF-8 \
    PG_MAJOR=${VERSION} \
    PATH=/usr/lib/postgresql/${VERSION}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PGDATA=/var/lib/postgresql/data
RUN install -d -m 1777 -o postgres -g postgres "$PGDATA" \
 && install -d -m 3777 -o postgres -g postgres /run/postgresql \
 && install -d /docker-entrypoint-initdb.d
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh

ARG STAND_IN
LABEL dev.seatrial.stand-in="${STAND_IN}"
VOLUME /var/lib/postgresql/data
EXPOSE 5432
# Fast shutdown: end the sessions, do not wait for them.
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
