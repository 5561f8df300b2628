# SPDX-License-Identifier: Apache-2.0
# Sourced by the provider's scripts: a temporary folder with localkms keys, a
# configuration, and openssl.cnf files for three provider orders.
# shellcheck shell=sh

[ "${OWNKEY_SANITIZERS:-no}" = no ] || exit 77   # a plain openssl cannot load it
command -v openssl >/dev/null || exit 77
: "${OWNKEY_BUILDDIR:?}" "${OWNKEY_SRCDIR:?}"

helper=$OWNKEY_BUILDDIR/tests/integration/provider_helper
unset OWNKEY_CONF OPENSSL_CONF OPENSSL_MODULES

dir=$(mktemp -d)
pids=
cleanup() {
    for p in $pids; do kill "$p" 2>/dev/null || :; done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
cd "$dir" || exit 1

fail() {
    printf '%s\n' "FAIL: $*" >&2
    exit 1
}
# ok COMMAND...: it must succeed; what it says is shown when it does not.
ok() {
    "$@" >out 2>err || {
        cat out err >&2
        fail "$order: $*"
    }
}
# no TEXT COMMAND...: it must fail and say TEXT.
no() {
    text=$1
    shift
    if "$@" >out 2>err; then
        fail "$order: succeeded: $*"
    fi
    grep -q -- "$text" out err || {
        cat out err >&2
        fail "$order: does not say '$text': $*"
    }
}
# The openssl command as everybody has it, without us.
plain() {
    OPENSSL_CONF=/dev/null openssl "$@"
}
# KMS calls of all keys so far.
calls() {
    cat "$dir"/*.calls | wc -l
}
# called N COMMAND...: it succeeds with exactly N KMS calls.
called() {
    want=$1
    shift
    before=$(calls)
    ok "$@"
    now=$(calls)
    [ $((now - before)) -eq "$want" ] ||
        fail "$order: $((now - before)) KMS calls, not $want: $*"
}

# make_key NAME TYPE
make_key() {
    "$helper" create "$dir/$1.key" "$2" "$dir/$1.spki"
    : >"$dir/$1.key.calls"
}
# section NAME: a remote key in ownkey.conf
section() {
    printf '[acme/%s]\nkey = localkms://%s/%s.key\npublic_key = %s/%s.spki\n' \
        "$1" "$dir" "$1" "$dir" "$1"
}

# make_cnfs CONF: an openssl.cnf for each order
make_cnfs() {
    tail="[default_sect]
activate = 1
[ownkey_sect]
module = $OWNKEY_BUILDDIR/.libs/ownkey.so
activate = 1
config = $1
"
    head='openssl_conf = init
[init]
providers = provs
alg_section = props
'
    printf '%s[props]\n[provs]\ndefault = default_sect\nownkey = ownkey_sect\n%s' \
        "$head" "$tail" >default-first.cnf
    printf '%s[props]\n[provs]\nownkey = ownkey_sect\ndefault = default_sect\n%s' \
        "$head" "$tail" >ownkey-first.cnf
    printf '%s[props]\ndefault_properties = ?provider=ownkey\n[provs]\nownkey = ownkey_sect\ndefault = default_sect\n%s' \
        "$head" "$tail" >ownkey-preferred.cnf
}
orders='default-first ownkey-first ownkey-preferred'
order=none
use_order() {
    order=$1
    OPENSSL_CONF=$dir/$1.cnf
    export OPENSSL_CONF
}
