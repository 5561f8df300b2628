#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys in AWS KMS (its double, over HTTPS) through the openssl command and TLS,
# in three provider orders: our own HTTPS runs in the same process, on the same
# OpenSSL, and must not meet our own provider.
set -eu
/usr/bin/python3 -c 'import cryptography' 2>/dev/null || exit 77
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"

"$OWNKEY_SRCDIR/tests/cloud/awskms.py" --dir "$dir/aws" --detach --parent $$ \
    --tls --key alias/acme --key alias/www=ECC_NIST_P256 \
    --key alias/ec384=ECC_NIST_P384 --key alias/rsa=RSA_2048 \
    --key alias/dec=RSA_2048:ENCRYPT_DECRYPT
pids=$(cat aws/pid)
. "$dir/aws/env"
export AWS_EC2_METADATA_DISABLED=true
double() {
    "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$dir/aws" "$@"
}
calls() {
    double calls
}

printf '[acme]\nkek = awskms:///alias/acme\n' >ownkey.conf
for k in www ec384 rsa dec; do
    double public-key alias/$k >$k.pub
    printf '[acme/%s]\nkey = awskms:///alias/%s\npublic_key = %s/%s.pub\n' \
        $k $k "$dir" $k >>ownkey.conf
done
make_cnfs "$dir/ownkey.conf"
echo 'a message' >msg
plain rand -out dek 32

# start_server KEY CERT
start_server() {
    rm -f server.out
    openssl s_server -accept 127.0.0.1:0 -key "$1" -cert "$2" -www \
        >server.out 2>server.err &
    server=$!
    pids="$pids $server"
    port=
    while [ -z "$port" ]; do
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.out 2>/dev/null) || :
        kill -0 "$server" 2>/dev/null || fail "$order: s_server"
        sleep 0.1
    done
}
client() {
    printf 'GET / HTTP/1.0\r\n\r\n' |
        OPENSSL_CONF=/dev/null timeout 20 openssl s_client -ign_eof \
            -connect "127.0.0.1:$port" -verify_return_error "$@"
}

for o in $orders; do
    use_order "$o"
    for k in www ec384 rsa; do
        called 0 openssl pkey -in ownkey:acme/$k -out $k.pem
        called 1 openssl req -new -x509 -key $k.pem -subj /CN=localhost \
            -days 30 -out $k.crt
        ok plain verify -CAfile $k.crt $k.crt
    done
    called 1 openssl dgst -sha256 -sign rsa.pem -sigopt rsa_padding_mode:pss \
        -sigopt rsa_pss_saltlen:digest -out sig msg
    ok plain dgst -sha256 -verify rsa.pub -sigopt rsa_padding_mode:pss \
        -signature sig msg
    before=$(calls)
    no 'cannot sign' openssl dgst -sha256 -sign rsa.pem -out sig \
        -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:10 msg
    [ "$(calls)" -eq "$before" ] || fail "$order: asked for the impossible"

    o256='-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256'
    ok plain pkeyutl -encrypt -pubin -inkey dec.pub -in dek -out enc $o256
    called 1 openssl pkeyutl -decrypt -inkey ownkey:acme/dec -in enc -out dec \
        $o256
    cmp -s dek dec || fail "$order: OAEP"

    called 1 openssl pkeyutl -encrypt -inkey ownkey:acme -in dek -out wrapped \
        -pkeyopt context:a=b
    called 1 openssl pkeyutl -decrypt -inkey ownkey:acme -in wrapped -out dec \
        -pkeyopt context:a=b
    cmp -s dek dec || fail "$order: KEK"

    before=$(calls)
    start_server www.pem www.crt
    [ "$(calls)" -eq "$before" ] || fail "$order: starting called the KMS"
    for v in tls1_2 tls1_3; do
        called 1 client -$v -CAfile www.crt -sess_out session
        called 0 client -$v -CAfile www.crt -sess_in session
        grep -q '^Reused' out || fail "$order: $v was not resumed"
    done
    double disable alias/www
    if client -tls1_3 -CAfile www.crt >out 2>err; then
        fail "$order: served with a disabled key"
    fi
    double enable alias/www
    called 1 client -tls1_3 -CAfile www.crt
    kill "$server"
    wait "$server" 2>/dev/null || :
    start_server rsa.pem rsa.crt
    called 1 client -tls1_2 -CAfile rsa.crt
    called 1 client -tls1_3 -CAfile rsa.crt
    kill "$server"
    wait "$server" 2>/dev/null || :

    double deny Sign
    no 'AccessDenied' openssl dgst -sha256 -sign www.pem -out sig msg
    double clear
done
echo PASS
