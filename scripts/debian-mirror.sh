# shellcheck shell=bash
# Where this machine gets its Debian packages from, for the scripts beside this file.
# It is read from apt, never written down here: a machine may use any mirror.

# Every Debian machine has it; it signs the releases that come after the machine's own, too.
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export DEBIAN_KEYRING

# Prints the address of the machine's main Debian archive; fails if there is none
# (another distribution, or apt has never been able to update).
debian_mirror() {
  local address
  address=$(main_archive)
  if [[ -z $address ]]; then
    # apt lists an archive only once its index has been fetched.
    apt-get update -qq >/dev/null 2>&1 || true
    address=$(main_archive)
  fi
  [[ -n $address ]] && printf '%s\n' "$address"
}

main_archive() {
  # shellcheck disable=SC2016 # the placeholder is apt's, not the shell's
  apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' 2>/dev/null |
    sed -n 1p
}

# An apt source for one release of that archive, in the one-line format.
debian_source() {
  local release=$1 mirror
  mirror=$(debian_mirror) || return 1
  printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$mirror" "$release"
}

# Installs packages of the machine's own distribution, output to a log file: a service that a
# package starts must not hold on to the caller's terminal or pipe.
apt_install() {
  local log=$1
  shift
  local install=(apt-get install -y --no-install-recommends "$@")
  export DEBIAN_FRONTEND=noninteractive
  "${install[@]}" </dev/null >>"$log" 2>&1 && return
  # The package lists may be missing, or so old that their files are gone.
  apt-get update </dev/null >>"$log" 2>&1 || true
  "${install[@]}" </dev/null >>"$log" 2>&1
}
