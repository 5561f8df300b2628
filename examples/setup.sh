# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by the scripts that start from a bare machine: what they install and
# how they build. Needs a POSIX shell and nothing else.

# What a build needs, and what the examples and tests need on top.
build_packages="gcc make autoconf automake libtool pkg-config libssl-dev
    libcurl4-openssl-dev libcjson-dev libexpat1-dev libinih-dev libp11-kit-dev
    libsqlite3-dev"
demo_packages="openssl opensc nginx-light curl python3 python3-cryptography"

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

# missing_packages NAME...: those that are not installed, one a line.
missing_packages() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
            grep -q '^install ok installed$' || printf '%s\n' "$package"
    done
}

# need_packages yes|no NAME...: installs what is missing, or says it.
need_packages() {
    install=$1
    shift
    if ! command -v dpkg-query >/dev/null 2>&1; then
        say "Not a Debian system: this script takes it that these are there:"
        say "   " "$@"
        return 0
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    set -- $missing
    [ "$install" = yes ] || die "Missing Debian packages: $*"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "Neither root nor sudo; as root: apt-get install $*"
        as_root=sudo
    fi
    say "Installing: $*"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >&2 &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y --no-install-recommends install "$@" >&2 ||
        die "apt-get could not install: $*"
}

# configure_tree TOP DIR [OPTION...]: an out-of-tree build directory.
configure_tree() {
    top=$1
    dir=$2
    shift 2
    if [ -f "$top/config.status" ]; then
        say "$top is configured in place, which bars other build directories:" \
            "run \`make distclean\` there first."
        return 1
    fi
    if [ ! -x "$top/configure" ] ||
        [ -n "$(find "$top/configure.ac" -newer "$top/configure")" ]; then
        (cd "$top" && autoreconf -fi) >/dev/null || return 1
    fi
    mkdir -p "$dir" || return 1
    [ -f "$dir/config.status" ] ||
        (cd "$dir" && "$top/configure" --quiet "$@") || return 1
}
