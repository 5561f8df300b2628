#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys in Google Cloud KMS (its double) through the openssl command, in three
# provider orders.
set -eu
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"
. "$OWNKEY_SRCDIR/tests/integration/gcp_lib.sh"
unset OWNKEY_CONF
calls() {
    double calls
}
make_cnfs "$dir/o.conf"
# What an RSA key can do is said, so that it is offered that and no more.
for key in pss=PSS pkcs1=PKCS1; do
    sed -i "s|^\[acme/${key%=*}\]|&\ngcp.algorithm = RSA_SIGN_${key#*=}_2048_SHA256|" \
        o.conf
done
echo 'a message' >msg
plain rand -out dek 32

for o in $orders; do
    use_order "$o"
    for k in p256 p384 ed pkcs1; do
        called 0 openssl pkey -in ownkey:acme/$k -out $k.key
        called 1 openssl req -new -x509 -key $k.key -subj /CN=localhost \
            -days 30 -out $k.crt
        ok plain verify -CAfile $k.crt $k.crt
    done
    called 0 openssl pkey -in ownkey:acme/pss -out pss.key
    called 1 openssl dgst -sha256 -sign pss.key -sigopt rsa_padding_mode:pss \
        -sigopt rsa_pss_saltlen:digest -out sig msg
    ok plain dgst -sha256 -verify pss.pem -sigopt rsa_padding_mode:pss \
        -signature sig msg
    before=$(calls)
    no 'cannot make such a signature' openssl dgst -sha256 -sign pss.key -out sig msg
    [ "$(calls)" -eq "$before" ] || fail "$order: asked for the impossible"

    ok plain pkeyutl -encrypt -pubin -inkey dec.pem -in dek -out enc \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
    ok openssl pkeyutl -decrypt -inkey ownkey:acme/dec -in enc -out back \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
    cmp dek back || fail "$order: another text came out"

    for token in acme raw; do
        called 1 openssl pkeyutl -encrypt -inkey ownkey:$token -in dek \
            -out wrapped
        called 1 openssl pkeyutl -decrypt -inkey ownkey:$token -in wrapped \
            -out back
        cmp dek back || fail "$order: another key came out of $token"
    done

    double disable kek
    called 1 openssl pkeyutl -encrypt -inkey ownkey:raw -in dek -out wrapped
    no 'is not enabled' openssl pkeyutl -encrypt -inkey ownkey:acme -in dek \
        -out wrapped
    double state kek ENABLED
done
