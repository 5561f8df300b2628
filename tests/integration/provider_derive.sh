#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The openssl command with remote keys that make MACs and agree on secrets,
# and with keys on secp256k1; in three provider orders.
set -eu
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"

make_key kek aes-256
make_key ecdh ec-p256
make_key ecdh521 ec-p521
make_key k256 ec-secp256k1
for k in mac:hmac-sha256 mac512:hmac-sha512; do
    "$OWNKEY_BUILDDIR/ownkey" localkms create "$dir/${k%:*}.key" \
        --type "${k#*:}" >/dev/null 2>&1
    : >"$dir/${k%:*}.key.calls"
done
{
    printf '[acme]\nkek = localkms://%s/kek.key\ncache = 2s\n' "$dir"
    printf 'probe = 1h\nrefresh = at_use\n' # calls are counted
    for k in ecdh ecdh521; do
        section $k
        echo 'usage = derive'
    done
    section k256
    echo 'usage = sign, derive'
    for k in mac:hmac-sha256 mac512:hmac-sha512; do
        printf '[acme/%s]\nkey = localkms://%s/%s.key\ntype = %s\n' \
            "${k%:*}" "$dir" "${k%:*}" "${k#*:}"
    done
} >ownkey.conf
make_cnfs "$dir/ownkey.conf"
head -c 1000 /dev/urandom >msg

# hmac KEY HASH: what HMAC with the bytes of that key gives, into ./want.
hmac() {
    python3 - "$1" "$2" <<'PY'
import base64, hmac, json, sys
k = base64.b64decode(json.load(open(sys.argv[1] + ".key"))["versions"][0]["key"])
open("want", "wb").write(hmac.new(k, open("msg", "rb").read(), sys.argv[2]).digest())
PY
}

macs() {
    for k in mac:sha256 mac512:sha512; do
        name=${k%:*} hash=${k#*:}
        hmac "$name" "$hash"
        called 0 openssl pkey -in "ownkey:acme/$name" -out "$name.pem"
        called 0 openssl pkey -in "ownkey:acme/$name" -text -noout
        grep -q "in the customer's KMS, ownkey:acme/$name" out ||
            fail "$order: -text of $name"
        for in in "ownkey:acme/$name" "$name.pem"; do
            called 1 openssl dgst "-$hash" -sign "$in" -out tag msg
            cmp tag want || fail "$order: dgst -sign $in"
            called 1 openssl pkeyutl -sign -rawin -inkey "$in" -in msg -out tag
            cmp tag want || fail "$order: pkeyutl -sign $in"
            called 1 openssl dgst "-$hash" -prverify "$in" -signature tag msg
        done
        head -c 999 msg >other
        if openssl dgst "-$hash" -prverify "$in" -signature tag other \
            >out 2>err; then
            fail "$order: another message verifies"
        fi
    done
    no "makes MACs with sha256 alone" openssl dgst -sha512 \
        -sign ownkey:acme/mac msg
    head -c 65537 /dev/zero >big
    no "too long for a MAC" openssl dgst -sha256 -sign ownkey:acme/mac big
}

derives() {
    for k in ecdh:P-256 ecdh521:P-521 k256:secp256k1; do
        name=${k%:*}
        plain genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${k#*:}" \
            -out peer.key 2>/dev/null
        plain pkey -in peer.key -pubout -out peer.pem
        called 0 openssl pkey -in "ownkey:acme/$name" -pubout -out "$name.pub"
        ok plain pkeyutl -derive -inkey peer.key -peerkey "$name.pub" -out want
        called 0 openssl pkey -in "ownkey:acme/$name" -out "$name.pem"
        for in in "ownkey:acme/$name" "$name.pem"; do
            called 1 openssl pkeyutl -derive -inkey "$in" -peerkey peer.pem \
                -out secret
            cmp secret want || fail "$order: another secret with $in"
        done
        # The other way round: the other is the one who has the private key.
        ok openssl pkeyutl -derive -inkey peer.key \
            -peerkey "$name.pub" -out secret
        cmp secret want || fail "$order: an ordinary key derives otherwise"
    done
    no "usage = derive" openssl pkeyutl -derive -inkey ownkey:acme/sign \
        -peerkey peer.pem
    no "cannot sign" openssl dgst -sha256 -sign ownkey:acme/ecdh msg
}

secp256k1() {
    for in in ownkey:acme/k256 k256.pem; do
        called 1 openssl dgst -sha256 -sign "$in" -out sig msg
        ok plain dgst -sha256 -verify k256.pub -signature sig msg
    done
    called 1 openssl req -new -x509 -key ownkey:acme/k256 -subj /CN=k256 \
        -days 30 -out k256.crt
    ok plain verify -CAfile k256.crt k256.crt
}

# An ordinary key is made and used as before.
unharmed() {
    ok openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
        -out plain.key
    ok openssl dgst -sha256 -sign plain.key -out sig msg
    ok openssl pkey -in plain.key -pubout -out plain.pub
    ok openssl dgst -sha256 -verify plain.pub -signature sig msg
    ok openssl pkeyutl -derive -inkey plain.key -peerkey plain.pub -out s
    ok openssl dgst -sha256 -mac HMAC -macopt key:secret msg
}

printf '[acme/sign]\nkey = localkms://%s/k256.key\npublic_key = %s/k256.spki\n' \
    "$dir" "$dir" >>ownkey.conf
for o in $orders; do
    use_order "$o"
    unharmed
    macs
    derives
    secp256k1
    unharmed
done

# Taken away.
"$OWNKEY_BUILDDIR/ownkey" localkms disable "$dir/mac.key"
"$OWNKEY_BUILDDIR/ownkey" localkms disable "$dir/ecdh.key"
no "is disabled" openssl dgst -sha256 -sign ownkey:acme/mac msg
no "is disabled" openssl pkeyutl -derive -inkey ownkey:acme/ecdh \
    -peerkey ecdh.pub
