#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# leases = tree, seen from outside: a server that forks for every connection,
# by either module. The KMS calls are counted.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

forked=$OWNKEY_BUILDDIR/tests/integration/forked
helper=$OWNKEY_BUILDDIR/tests/integration/provider_helper
libs=$OWNKEY_BUILDDIR/.libs
OWNKEY_CONF=$dir/ownkey.conf
export OWNKEY_CONF

expect 0 ownkey localkms create "$dir/kek"
printf '[main]\nkek = localkms://%s/kek\nleases = process\n' "$dir" \
    >ownkey.conf
chmod 600 ownkey.conf
printf 'the thirty-two bytes of the key.' >key
"$helper" wrap ownkey.conf ownkey:main '' <key >wrapped || die "cannot wrap"

# calls_of COMMAND...: it succeeds; prints the KMS calls that it made.
calls_of() {
    : >kek.calls
    "$@" >out 2>err || die "$* failed"
    wc -l <kek.calls | tr -d ' '
}

# serve COUNT AT_ONCE: the KMS calls of both modules.
serve() {
    a=$(calls_of "$forked" pkcs11 "$libs/ownkey-pkcs11.so" main wrapped "$@")
    b=$(calls_of "$forked" provider "$libs" main wrapped "$@")
    echo "$a $b"
}

got=$(serve 12 1)
[ "$got" = "12 12" ] || die "process: $got KMS calls for 12 connections each"
expect 0 ownkey status --offline --json
json 'd["tokens"][0]["leases"] == "process"'

sed -i 's/^leases.*/leases = tree/' ownkey.conf
expect 0 ownkey status --offline --json
json 'd["tokens"][0]["leases"] == "tree"'
got=$(serve 12 1)
[ "$got" = "1 1" ] || die "tree: $got KMS calls for 12 connections each"
echo 'localkms.delay = 200ms' >>ownkey.conf
got=$(serve 12 6)
[ "$got" = "1 1" ] || die "tree: $got KMS calls for 12 connections at once"

# The customer takes the key away: nobody is served.
expect 0 ownkey localkms disable "$dir/kek"
expect 1 "$forked" pkcs11 "$libs/ownkey-pkcs11.so" main wrapped 3
has err "3 of 3 connections failed"
expect 1 "$forked" provider "$libs" main wrapped 3
has err "3 of 3 connections failed"
expect 0 ownkey localkms enable "$dir/kek"

sed -i 's/^leases.*/leases = forest/' ownkey.conf
expect 3 ownkey check
has out "process or tree"
