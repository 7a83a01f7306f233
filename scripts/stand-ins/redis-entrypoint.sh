#!/usr/bin/env bash
# Starts Redis in a container the way users of the official image expect it: without root, and
# reachable from other containers.
set -euo pipefail

become_redis() {
  find . \! -user redis -exec chown redis:redis {} +
  exec setpriv --reuid=redis --regid=redis --init-groups -- "$0" "$@"
}

# Protected mode refuses other hosts as long as there is no password. The container's network is
# the protection here, unless the user says otherwise, by argument or in a configuration file.
says_protected_mode() {
  local argument
  for argument; do
    [[ $argument == --protected-mode ]] && return
    [[ -f $argument ]] && grep -Eqi '^[[:space:]]*protected-mode[[:space:]]' "$argument" && return
  done
  return 1
}

main() {
  if [[ ${1:-} == -* || ${1:-} == *.conf ]]; then
    set -- redis-server "$@"
  fi
  if [[ ${1:-} == redis-server ]]; then
    ((UID != 0)) || become_redis "$@"
    says_protected_mode "$@" || set -- "$@" --protected-mode no
  fi
  exec "$@"
}

main "$@"
