#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The module as a guest in other programs: symbols, a host without ownkey.conf,
# a broken file, a token that is not usable.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"

nm -D --defined-only "$module" | sed 's/.* //' | sort >symbols
printf '%s\n' C_GetFunctionList C_GetInterface C_GetInterfaceList |
    cmp - symbols ||
    die "other symbols: $(tr '\n' ' ' <symbols)"
readelf -d "$module" | grep -q NODELETE || die "can be unloaded"

# No configuration: no slots, no failure, no noise.
OWNKEY_CONF=$dir/nosuch.conf
no_slots() {
    tool -L >out 2>err # which fails by itself then
    [ "$(cat out err)" = "Available slots:
No slots." ] || die "not just no slots"
}
no_slots
OWNKEY_CONF=$dir/ownkey.conf

echo "[global" >ownkey.conf
chmod 600 ownkey.conf
no_slots

# One bad section empties one slot.
localkms kek aes-256
{
    printf '[bad]\nkek = nokms:///x\n'
    printf '[good]\nkek = localkms://%s/kek\n' "$dir"
} >ownkey.conf
run tool -L
has out "bad (not usable: see ownkey check)"
has out "token label        : good"
run tool -O
has out "label:      good"
