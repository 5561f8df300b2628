#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkcs11-tool with a remote MAC key, a key that derives, and secp256k1.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"

localkms kek aes-256
printf '[demo]\nkek = localkms://%s/kek\n' "$dir" >ownkey.conf
chmod 600 ownkey.conf
for k in mac:hmac-sha256 ecdh:ec-p384 k256:ec-secp256k1; do
    localkms "${k%:*}" "${k#*:}"
    printf '[demo/%s]\nkey = localkms://%s/%s\n' "${k%:*}" "$dir" "${k%:*}" \
        >>ownkey.conf
done
for k in ecdh k256; do
    run ownkey key public "demo/$k"
    mv out "$k.pem"
    sed -i "s|^\[demo/$k\]|&\npublic_key = $dir/$k.pem|" ownkey.conf
    : >"$k.calls"
done
sed -i -e 's|^\[demo/mac\]|&\ntype = hmac-sha256|' \
    -e 's|^\[demo/ecdh\]|&\nusage = derive|' ownkey.conf

# What there is, without a call.
run tool -M
has out "SHA256-HMAC"
has out "ECDH1-DERIVE"
has_not out "SHA512-HMAC"
run tool -O
has out "label:      mac"
[ "$(grep -c '^P.* Key Object' out)" -eq 4 ] || die "not two key pairs"
has out "Usage:      derive"
for k in mac ecdh k256; do
    calls_are "$k" 0
done

# MAC.
head -c 500 /dev/urandom >msg
id=$(id_of secrkey mac)
[ -n "$id" ] || die "no MAC key"
run tool --sign -m SHA256-HMAC --id "$id" -i msg -o tag
calls_are mac 1
ownkey key mac demo/mac --in msg --out want || die "key mac"
cmp tag want || die "another MAC"

# Both sides agree, and with the same secret as the command.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out peer.key \
    2>/dev/null || die genpkey
openssl pkey -in peer.key -pubout -outform DER -out peer.der || die pkey
openssl pkey -in peer.key -pubout -out peer.pem || die pkey
openssl pkeyutl -derive -inkey peer.key -peerkey ecdh.pem -out want ||
    die "openssl derives nothing"
id=$(id_of privkey ecdh)
: >ecdh.calls
run tool --derive -m ECDH1-DERIVE --id "$id" -i peer.der -o secret
calls_are ecdh 1
cmp secret want || die "another secret"
ownkey key derive demo/ecdh --peer peer.pem | cmp - want ||
    die "the command has another secret"
fails tool --sign -m ECDSA --id "$id" -i msg -o sig

# secp256k1.
id=$(id_of privkey k256)
run tool --sign -m ECDSA-SHA256 -f openssl --id "$id" -i msg -o sig
run openssl dgst -sha256 -verify k256.pem -signature sig msg
has out "Verified OK"

# Taken away.
run ownkey localkms disable "$dir/mac"
fails tool --sign -m SHA256-HMAC --id "$(id_of secrkey mac)" -i msg -o tag
has err "CKR_KEY_FUNCTION_NOT_PERMITTED"
run ownkey localkms disable "$dir/ecdh"
fails tool --derive -m ECDH1-DERIVE --id "$(id_of privkey ecdh)" -i peer.der \
    -o secret
has err "CKR_KEY_FUNCTION_NOT_PERMITTED"
