#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 10000 tokens in one configuration: read, listed, used, as few are.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
awk -v key="$dir/main.key" 'BEGIN {
    print "[global]\nlog = off"
    for (i = 1; i <= 10000; i++)
        printf "[t%d]\nkek = localkms://%s\n", i, key
}' >many.conf
chmod 600 many.conf
OWNKEY_CONF=$dir/many.conf
export OWNKEY_CONF

expect 0 ownkey status --offline --json
json 'len(d["tokens"]) == 10000 and d["tokens"][-1]["name"] == "t10000"'
head -c 32 /dev/urandom >key
expect 0 ownkey wrap t10000 --in key --out wrapped
expect 0 ownkey unwrap t10000 --in wrapped --out again
cmp -s key again || die "another key"
expect 0 ownkey check t5000

expect 0 pkcs11-tool --module "$OWNKEY_BUILDDIR/.libs/ownkey-pkcs11.so" -L
[ "$(grep -c '^Slot ' out)" -eq 10000 ] || die "not every token has a slot"

# One that is there twice is off, and nobody else.
printf '[t77]\nkek = localkms://%s\n' "$dir/main.key" >>many.conf
expect 3 ownkey check t77
has out "[t77] is there a second time"
expect 0 ownkey check t78
