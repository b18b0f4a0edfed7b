# Installs what tests need; tests/run and .ci/nightly source it, and say which Debian packages are missing.
# shellcheck shell=bash
export PATH="$PATH:/usr/sbin:/sbin" # where Debian keeps Orthanc

say() { echo "$0: $*" >&2; }
lacks() { ! command -v "$1" >/dev/null; }
absent() { ! compgen -G "$1" >/dev/null; }
in_virtual_environment() { python3 -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)'; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The tests start archives and databases of their own: Debian's services must not run beside them, so their start is
# withheld from the installation, under sysvinit (RUNLEVEL=1) and under systemd (a mask that no reboot survives).
install_debian_packages() {
    local apt=(as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -o Acquire::Retries=3)
    local services=(orthanc.service postgresql.service)
    "${apt[@]}" update || { sleep 5 && "${apt[@]}" update; } || say "apt-get update failed; going on with the old lists"
    if [ -d /run/systemd/system ]; then as_root systemctl --runtime mask "${services[@]}"; fi
    "${apt[@]}" install --yes --no-install-recommends "$@" || say "apt-get install failed"
    if [ -d /run/systemd/system ]; then as_root systemctl --runtime unmask "${services[@]}"; fi
}

# Installs what missing_debian_packages prints.
provide_programs() {
    local missing
    mapfile -t missing < <(missing_debian_packages)
    if [ ${#missing[@]} = 0 ]; then return; fi
    if ! lacks apt-get && as_root true 2>/dev/null; then install_debian_packages "${missing[@]}" >&2; fi
    mapfile -t missing < <(missing_debian_packages)
    if [ ${#missing[@]} != 0 ]; then
        say "MISSING Debian packages: ${missing[*]} (to install them takes apt-get, and root or passwordless sudo)"
        say "tests that need them are skipped, unless ITKDICOMQR_REQUIRE_ARCHIVES=1 is set"
    fi
}

provide_virtual_environment() {
    if [ ! -x "$1/bin/pip" ]; then python3 -m venv --clear "$1"; fi
    export VIRTUAL_ENV="$PWD/$1" PATH="$PWD/$1/bin:$PATH"
}

install_python_packages() {
    python3 -m pip install --quiet --disable-pip-version-check --editable "$1"
}
