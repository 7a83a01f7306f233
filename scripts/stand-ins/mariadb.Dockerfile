# The official MariaDB image's interface on Debian's own MariaDB.
ARG BASE
FROM ${BASE}

# The number that the official image has: compose files give it to tmpfs and volumes.
RUN groupadd --system --gid 999 mysql \
 && useradd --system --uid 999 --gid mysql --home-dir /var/lib/mysql --no-create-home mysql

# No data yet: the entry point makes them. Debian's own configuration binds the server to this
# machine and logs to the system; the container's network is the protection here.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        mariadb-server tzdata \
 && rm -rf /var/lib/apt/lists/* /var/log/* /var/lib/mysql \
 && sed -i '/^bind-address/d' /etc/mysql/mariadb.conf.d/50-server.cnf \
 && printf '[mariadbd]\nskip-host-cache\nskip-name-resolve\n' \
        > /etc/mysql/mariadb.conf.d/90-container.cnf \
 && install -d -m 1777 -o mysql -g mysql /var/lib/mysql /run/mysqld \
 && install -d /docker-entrypoint-initdb.d
COPY mariadb-entrypoint.sh /usr/local/bin/docker-entrypoint.sh

ENV LANG=C.UTF-8
ARG STAND_IN
LABEL dev.seatrial.stand-in="${STAND_IN}"
VOLUME /var/lib/mysql
EXPOSE 3306
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["mariadbd"]
