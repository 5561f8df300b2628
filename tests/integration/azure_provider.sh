#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys in Azure Key Vault (its double, over HTTPS) through the openssl command
# and TLS, in three provider orders.
set -eu
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"
. "$OWNKEY_SRCDIR/tests/integration/azure_lib.sh"
pids=$(cat azure/pid)
calls() { # as the provider's library counts
    vault_calls
}

{
    azure_token acme "$vault" kek vault
    for key in www ec384 rsa; do
        azure_key acme $key
    done
    azure_token hsm "$hsm" oct managedhsm "azure.algorithm = A256KW"
} >ownkey.conf
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
    called 0 true
    o256='-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256'
    # shellcheck disable=SC2086 # several words
    ok plain pkeyutl -encrypt -pubin -inkey rsa.pub -in dek -out enc $o256
    # shellcheck disable=SC2086
    called 1 openssl pkeyutl -decrypt -inkey ownkey:acme/rsa -in enc -out dec \
        $o256
    cmp -s dek dec || fail "$order: OAEP"
    for token in acme hsm; do
        called 1 openssl pkeyutl -encrypt -inkey ownkey:$token -in dek \
            -out wrapped -pkeyopt context:a=b
        called 1 openssl pkeyutl -decrypt -inkey ownkey:$token -in wrapped \
            -out dec -pkeyopt context:a=b
        cmp -s dek dec || fail "$order: KEK of $token"
    done

    before=$(calls)
    start_server www.pem www.crt
    [ "$(calls)" -eq "$before" ] || fail "$order: starting called the KMS"
    called 1 client -tls1_2 -CAfile www.crt
    called 1 client -tls1_3 -CAfile www.crt
    double disable www
    if client -tls1_3 -CAfile www.crt >out 2>err; then
        fail "$order: served with a disabled key"
    fi
    double enable www
    called 1 client -tls1_3 -CAfile www.crt
    kill "$server"
    wait "$server" 2>/dev/null || :

    double disable www
    no 'KeyDisabled' openssl dgst -sha256 -sign www.pem -out sig msg
    double enable www
done
echo PASS
