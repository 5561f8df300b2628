#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Connections a second of a server that forks for each of them (fork,
# C_Initialize, unwrap, one decryption), with leases = process and tree in
# turns, and a KMS that takes 20 ms. The first connection of each run with tree
# asks, none of the others does.
#
#   connections.sh BUILDDIR [CONNECTIONS]
set -eu
build=$(cd "$1" && pwd)
count=${2:-200}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
umask 077
OWNKEY_CONF=$dir/ownkey.conf
export OWNKEY_CONF

"$build/ownkey" localkms create "$dir/kek" >/dev/null 2>&1
for mode in process tree; do
    printf '[t]\nkek = localkms://%s/kek\nlocalkms.delay = 20ms\nleases = %s\n' \
        "$dir" "$mode" >"$mode.conf"
done
printf 'the thirty-two bytes of the key.' |
    "$build/tests/integration/provider_helper" wrap process.conf ownkey:t '' \
        >wrapped
for round in 1 2 3; do
    for mode in process tree; do
        OWNKEY_CONF=$dir/$mode.conf "$build/tests/integration/forked" pkcs11 \
            "$build/.libs/ownkey-pkcs11.so" t wrapped "$count" |
            sed "s/^/$mode /"
    done
done | awk '{ n[$1]++; sum[$1] += $2 }
    END {
        p = sum["process"] / n["process"]
        t = sum["tree"] / n["tree"]
        printf "connections/s: process %.1f, tree %.1f, ratio %.1f\n", p, t, t / p
    }'
