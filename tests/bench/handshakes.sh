#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Full TLS handshakes a second of `openssl s_server`, with an ordinary key file
# and with an OWNKEY KEY URI file of the same type, in turns within one run.
# The remote key is a localkms one, which stands for the service: it reads and
# decodes its key file for each signature, and that is nine tenths of the
# difference. A real service is slower still, once for each full handshake.
#
#   handshakes.sh BUILDDIR [SECONDS]
set -eu
build=$(cd "$1" && pwd)
seconds=${2:-4}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
umask 077

ownkey() {
    OWNKEY_CONF=$dir/ownkey.conf "$build/ownkey" "$@"
}

ownkey localkms create "$dir/kek" >/dev/null 2>&1
ownkey localkms create "$dir/www" --type ec-p256 >/dev/null 2>&1
printf '[t]\nkek = localkms://%s/kek\n[t/www]\nkey = localkms://%s/www\n' \
    "$dir" "$dir" >ownkey.conf
ownkey key public t/www >www.pub
echo "public_key = $dir/www.pub" >>ownkey.conf
ownkey key pem t/www >ownkey.key
cat >openssl.cnf <<EOF
openssl_conf = init
[init]
providers = providers
[providers]
default = default_sect
ownkey = ownkey_sect
[default_sect]
activate = 1
[ownkey_sect]
module = $build/.libs/ownkey.so
config = $dir/ownkey.conf
activate = 1
[req]
distinguished_name = dn
[dn]
EOF
openssl genpkey -algorithm EC -pkeyopt group:P-256 -out file.key
for kind in file ownkey; do
    OPENSSL_CONF=$dir/openssl.cnf openssl req -new -x509 -days 2 \
        -key "$kind.key" -subj /CN=localhost -out "$kind.pem"
done

# rate KIND VERSION: handshakes a second, by wall clock.
rate() {
    port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    OPENSSL_CONF=$dir/openssl.cnf openssl s_server -accept "127.0.0.1:$port" \
        -cert "$1.pem" -key "$1.key" -quiet -www >/dev/null 2>&1 &
    server=$! # in this subshell, which ends it too
    trap 'kill "$server" 2>/dev/null || :' EXIT
    until openssl s_client -connect "127.0.0.1:$port" </dev/null \
        >/dev/null 2>&1; do
        kill -0 "$server"
        sleep 0.1
    done
    openssl s_time -connect "127.0.0.1:$port" -new -time "$seconds" "-$2" \
        2>/dev/null | sed -n 's/^\([0-9]*\) connections in \([0-9]*\) real.*/\1 \2/p' |
        awk '{ printf "%.0f\n", $1 / $2 }'
    kill "$server"
    wait "$server" 2>/dev/null || :
}

for version in tls1_3 tls1_2; do
    file=0
    own=0
    for round in 1 2 3; do
        file=$((file + $(rate file "$version")))
        own=$((own + $(rate ownkey "$version")))
    done
    awk -v v="$version" -v f="$file" -v o="$own" 'BEGIN {
        printf "%s, ECDSA P-256: file %.0f/s, ownkey %.0f/s; ownkey/file %.2f\n",
            v, f / 3, o / 3, o / f }'
done
