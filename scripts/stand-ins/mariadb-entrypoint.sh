#!/usr/bin/env bash
# Starts MariaDB in a container the way users of the official image expect it: the first start
# makes the data from MARIADB_* (or MYSQL_*) and runs /docker-entrypoint-initdb.d.
set -euo pipefail

readonly INIT_FOLDER=/docker-entrypoint-initdb.d
readonly DATA=/var/lib/mysql
readonly SOCKET=/run/mysqld/mysqld.sock

say() {
  printf 'entrypoint: %s\n' "$*"
}

die() {
  printf 'entrypoint: %s\n' "$*" >&2
  exit 1
}

# MARIADB_NAME or MYSQL_NAME from the environment, or from the file that the same with _FILE names.
setting() {
  local name
  for name in "MARIADB_$1" "MYSQL_$1"; do
    local file="${name}_FILE"
    if [[ -n ${!file:-} ]]; then
      cat "${!file}" || die "cannot read ${!file}, which $file names"
      return
    elif [[ -n ${!name:-} ]]; then
      printf '%s' "${!name}"
      return
    fi
  done
}

starts_server() {
  local argument
  [[ ${1:-} == mariadbd || ${1:-} == mysqld ]] || return 1
  for argument; do
    case $argument in
      -V | --version | '-?' | --help | --print-defaults) return 1 ;;
    esac
  done
}

# The data's place may be a volume or tmpfs that belongs to root: hand it over, then drop root.
become_mysql() {
  find "$DATA" /run/mysqld \! -user mysql -exec chown mysql:mysql {} +
  exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "$@"
}

read_settings() {
  root_password=$(setting ROOT_PASSWORD)
  database=$(setting DATABASE)
  user=$(setting USER)
  password=$(setting PASSWORD)
  [[ -n $root_password || -n $(setting ALLOW_EMPTY_ROOT_PASSWORD) ||
    -n $(setting ALLOW_EMPTY_PASSWORD) ]] ||
    die "no password for root: set MARIADB_ROOT_PASSWORD," \
      "or MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 to do without"
}

# For the init scripts: reachable from inside only, so nobody else sees a half-made database.
start_private_server() {
  "$@" --skip-networking --socket="$SOCKET" &
  private_server=$!
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    mariadb-admin --socket="$SOCKET" --user=root ping >/dev/null 2>&1 && return
    kill -0 "$private_server" 2>/dev/null || break
    sleep 0.1
  done
  die "the server for the set-up did not start"
}

run_sql() {
  mariadb --socket="$SOCKET" --user=root --password="$root_password" --batch "$@"
}

# As in a text of SQL between single quotes.
quoted() {
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\'\'}"
}

create_users() {
  local name=${database//\`/\`\`}
  {
    [[ -z $database ]] || printf "CREATE DATABASE IF NOT EXISTS \`%s\`;\n" "$name"
    if [[ -n $user && -n $password ]]; then
      printf 'CREATE USER %s@"%%" IDENTIFIED BY %s;\n' "$(quoted "$user")" "$(quoted "$password")"
      [[ -z $database ]] ||
        printf "GRANT ALL ON \`%s\`.* TO %s@'%%';\n" "${name//_/\\_}" "$(quoted "$user")"
    fi
    printf 'CREATE USER root@"%%" IDENTIFIED BY %s;\n' "$(quoted "$root_password")"
    printf 'GRANT ALL ON *.* TO root@"%%" WITH GRANT OPTION;\n'
    printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' "$(quoted "$root_password")"
  } | mariadb --socket="$SOCKET" --user=root --batch
}

run_init_files() {
  local file
  for file in "$INIT_FOLDER"/*; do
    [[ -e $file ]] || continue
    say "$file"
    case $file in
      *.sh) run_shell_file "$file" ;;
      *.sql) run_sql ${database:+"$database"} <"$file" ;;
      *.sql.gz) gunzip --stdout "$file" | run_sql ${database:+"$database"} ;;
      *) say "ignored" ;;
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
  # The first process of a container gets no signal that it has no handler for.
  trap 'kill "${private_server:-$$}" 2>/dev/null || true; exit 143' INT TERM
  read_settings
  mariadb-install-db --datadir="$DATA" --auth-root-authentication-method=normal --skip-test-db \
    >/dev/null
  start_private_server "$@"
  create_users
  run_init_files &
  wait $!
  kill "$private_server"
  wait "$private_server"
  trap - INT TERM
  say "the data are made; starting the server"
}

main() {
  [[ ${1:-mariadbd} != -* ]] || set -- mariadbd "$@"
  if starts_server "$@"; then
    ((UID != 0)) || become_mysql "$@"
    [[ -d $DATA/mysql ]] || initialise "$@"
  fi
  exec "$@"
}

main "$@"
