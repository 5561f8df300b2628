#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# openssl s_server with a key in a KMS: TLS 1.2 and 1.3. One KMS call for each
# full handshake, none for a resumed one, none to start; in three orders.
set -eu
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"

make_key kek aes-256
make_key rsa rsa-2048
make_key ec ec-p256
make_key ed ed25519
{
    printf '[acme]\nkek = localkms://%s/kek.key\n' "$dir"
    for k in rsa ec ed; do section $k; done
} >ownkey.conf
make_cnfs "$dir/ownkey.conf"
use_order default-first
for k in rsa ec ed; do
    ok openssl req -new -x509 -key "ownkey:acme/$k" -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -days 30 -out "$k.crt"
    ok openssl pkey -in "ownkey:acme/$k" -out "$k.pem"
done

# start_server KEY CERT: sets port and server
start_server() {
    rm -f server.out
    openssl s_server -accept 127.0.0.1:0 -key "$1" -cert "$2" -naccept 12 \
        -www >server.out 2>server.err &
    server=$!
    pids="$pids $server"
    port=
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.out 2>/dev/null) || :
        [ -n "$port" ] && return
        sleep 0.2
    done
    cat server.out server.err >&2
    fail "$order: s_server did not start with $1"
}
stop_server() {
    kill "$server" 2>/dev/null || :
    wait "$server" 2>/dev/null || :
}

# The client has no provider of ours.
client() {
    printf 'GET / HTTP/1.0\r\n\r\n' |
        OPENSSL_CONF=/dev/null timeout 20 openssl s_client -ign_eof \
            -connect "127.0.0.1:$port" -servername localhost \
            -verify_return_error "$@"
}

# try KEY VERSION CERTIFICATE
try() {
    called 1 client "-$2" -CAfile "$3" -sess_out session
    grep -q 'Verify return code: 0' out || fail "$order: $1 $2"
    called 0 client "-$2" -CAfile "$3" -sess_in session
    grep -q '^Reused' out || fail "$order: $1 $2 was not resumed"
    called 1 client "-$2" -CAfile "$3"
    grep -q '^New' out || fail "$order: $1 $2: no full handshake"
}

for o in $orders; do
    use_order "$o"
    for key in ownkey:acme/rsa rsa.pem ec.pem ed.pem; do
        case $key in
        *rsa*) cert=rsa.crt ;;
        ec*) cert=ec.crt ;;
        *) cert=ed.crt ;;
        esac
        before=$(calls)
        start_server "$key" $cert
        [ "$(calls)" -eq "$before" ] || fail "$order: starting called the KMS"
        try "$key" tls1_2 $cert
        try "$key" tls1_3 $cert
        # A group of the default provider, with our EC key about.
        called 1 client -tls1_3 -CAfile $cert -groups P-256
        stop_server
    done
done

# A client certificate whose key is in the KMS.
for o in $orders; do
    use_order "$o"
    plain req -new -x509 -newkey rsa:2048 -noenc -keyout file.key \
        -out file.crt -subj /CN=localhost -days 30 2>/dev/null
    rm -f server.out
    OPENSSL_CONF=/dev/null openssl s_server -accept 127.0.0.1:0 -key file.key \
        -cert file.crt -naccept 2 -Verify 1 -CAfile rsa.crt \
        -verify_return_error -www >server.out 2>server.err &
    server=$!
    pids="$pids $server"
    port=
    while [ -z "$port" ]; do
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.out 2>/dev/null) || :
        kill -0 "$server" 2>/dev/null || fail "s_server with client certificates"
        sleep 0.1
    done
    mtls() {
        printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 openssl s_client -ign_eof \
            -connect "127.0.0.1:$port" -CAfile file.crt -cert rsa.crt \
            -key rsa.pem "$1"
    }
    called 1 mtls -tls1_2
    grep -q 'HTTP/1.0 200' out || fail "$order: client certificate, TLS 1.2"
    called 1 mtls -tls1_3
    grep -q 'HTTP/1.0 200' out || fail "$order: client certificate, TLS 1.3"
    stop_server
done
echo PASS
