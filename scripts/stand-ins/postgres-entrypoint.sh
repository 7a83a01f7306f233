#!/usr/bin/env bash
# Starts PostgreSQL in a container the way users of the official image expect it: the first start
# makes a cluster from POSTGRES_* and runs /docker-entrypoint-initdb.d.
set -euo pipefail

readonly INIT_FOLDER=/docker-entrypoint-initdb.d

say() {
  printf 'entrypoint: %s\n' "$*"
}

die() {
  printf 'entrypoint: %s\n' "$*" >&2
  exit 1
}

# NAME from the environment, or from the file that NAME_FILE names (a mounted secret).
setting() {
  local name=$1 fallback=${2:-} file="$1_FILE"
  if [[ -n ${!file:-} ]]; then
    [[ -z ${!name:-} ]] || die "$name and $file are both set; set one of them"
    cat "${!file}" || die "cannot read ${!file}, which $file names"
  else
    printf '%s' "${!name:-$fallback}"
  fi
}

starts_server() {
  local argument
  [[ ${1:-} == postgres ]] || return 1
  for argument; do
    case $argument in
      -V | --version | '-?' | --help | --describe-config) return 1 ;;
    esac
  done
}

# PGDATA may be a volume or tmpfs that belongs to root: hand it over, then drop root for good.
become_postgres() {
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  find "$PGDATA" \! -user postgres -exec chown postgres:postgres {} +
  find /run/postgresql \! -user postgres -exec chown postgres:postgres {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
}

read_settings() {
  user=$(setting POSTGRES_USER postgres)
  password=$(setting POSTGRES_PASSWORD)
  database=$(setting POSTGRES_DB "$user")
  initdb_args=$(setting POSTGRES_INITDB_ARGS)
  host_auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  # Init scripts read these, also when they came from files.
  export POSTGRES_USER=$user POSTGRES_DB=$database
}

require_password() {
  [[ -n $password || $host_auth == trust ]] ||
    die "no password for the superuser '$user': set POSTGRES_PASSWORD," \
      "or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in"
}

create_cluster() {
  # The arguments may hold quoted words, so the shell must read them.
  local -a extra
  eval "extra=($initdb_args)"
  initdb --username="$user" --pwfile=<(printf '%s\n' "$password") "${extra[@]}"
  # Local connections are trusted, as initdb leaves it; all others need the password.
  printf '\nhost all all all %s\n' "$host_auth" >>"$PGDATA/pg_hba.conf"
  printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
}

# For the init scripts: reachable from inside only, so nobody else sees a half-made database.
start_private_server() {
  pg_ctl --silent --wait -D "$PGDATA" \
    -o "$(printf '%q ' "${@:2}" -c "listen_addresses=" -p "${PGPORT:-5432}")" start
}

stop_private_server() {
  pg_ctl --silent --wait --mode=fast -D "$PGDATA" stop
}

run_psql() {
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc \
    --username "$user" "$@"
}

create_database() {
  [[ $database == postgres ]] && return
  run_psql --quiet --dbname postgres --set name="$database" <<<'CREATE DATABASE :"name";'
}

run_init_files() {
  local file
  for file in "$INIT_FOLDER"/*; do
    [[ -e $file ]] || continue
    case $file in
      *.sh)
        say "running $file"
        run_shell_file "$file"
        ;;
      *.sql)
        say "running $file"
        run_psql --dbname "$database" --file "$file"
        ;;
      *.sql.gz)
        say "running $file"
        gunzip --stdout "$file" | run_psql --dbname "$database"
        ;;
      *) say "ignoring $file" ;;
    esac
  done
}

# Executable ones are programs; the others are read into a shell that has the same settings.
run_shell_file() {
  if [[ -x $1 ]]; then
    "$1"
  else
    # shellcheck source=/dev/null
    (source "$1")
  fi
}

initialise() {
  # The first process of a container gets no signal that it has no handler for, and bash handles
  # none while it runs a program, only while it waits.
  trap 'stop_private_server || true; exit 143' INT TERM
  read_settings
  require_password
  create_cluster
  start_private_server "$@"
  create_database
  run_init_files &
  wait $!
  stop_private_server
  trap - INT TERM
  say "the cluster is made; starting the server"
}

main() {
  [[ ${1:-postgres} != -* ]] || set -- postgres "$@"
  if starts_server "$@"; then
    ((UID != 0)) || become_postgres "$@"
    [[ -s $PGDATA/PG_VERSION ]] || initialise "$@"
  fi
  unset POSTGRES_PASSWORD
  exec "$@"
}

main "$@"
