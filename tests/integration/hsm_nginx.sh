#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stock nginx with two workers and a key in SoftHSM, which uses OpenSSL itself:
# started as a daemon, reloaded, and without the key when its owner deletes it.
PATH=$PATH:/usr/sbin
. "${OWNKEY_SRCDIR:-.}/tests/integration/hsm_lib.sh"
command -v nginx >/dev/null || skip "needs nginx"
command -v curl >/dev/null || skip "needs curl"

run hsm --keygen --key-type AES:32 --id 01 --label kek
run hsm --keypairgen --key-type EC:prime256v1 --id 11 --label www
cat >ownkey.conf <<END
[hsm]
kek = $(uri kek "pin-source=file:$dir/pin")
[hsm/www]
key = $(uri www "pin-source=file:$dir/pin")
END
run ownkey key public hsm/www
mv out www.pub
echo "public_key = $dir/www.pub" >>ownkey.conf
run ownkey key pem hsm/www
mv out www.pem
cat >openssl.cnf <<END
openssl_conf = init
[init]
providers = provs
[provs]
default = default_sect
ownkey = ownkey_sect
[default_sect]
activate = 1
[ownkey_sect]
module = $OWNKEY_BUILDDIR/.libs/ownkey.so
activate = 1
config = $dir/ownkey.conf
END
OPENSSL_CONF=$dir/openssl.cnf
export OPENSSL_CONF
run openssl req -new -x509 -key www.pem -subj /CN=localhost -days 30 \
    -addext subjectAltName=DNS:localhost -out www.crt

# Workers run as another user, and must get at the token and the PIN; nginx
# takes the environment away from them but for what it is told to leave.
user=
if [ "$(id -u)" -eq 0 ]; then
    user='user nobody nogroup;'
    chmod 755 "$dir"
    chmod 644 ownkey.conf softhsm2.conf
    chown -R nobody:nogroup tokens pin
fi
write_conf() {
    cat >nginx.conf <<END
$user
env SOFTHSM2_CONF;
pid $dir/nginx.pid;
error_log $dir/nginx.log info;
worker_processes 2;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $dir/t1;
    proxy_temp_path $dir/t2;
    fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4;
    scgi_temp_path $dir/t5;
    server {
        listen 127.0.0.1:$1 ssl;
        ssl_certificate $dir/www.crt;
        ssl_certificate_key $dir/www.pem;
        location / { return 200 "served\n"; }
    }
}
END
}
# A daemon: nginx forks once more after it has read the key.
started=no
for i in 1 2 3 4 5; do
    port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    write_conf "$port"
    if nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/nginx.log" 2>err; then
        started=yes
        break
    fi
done
[ $started = yes ] || die "nginx does not start"
for i in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -s nginx.pid ] || break
    sleep 0.2
done
nginx_pid=$(cat nginx.pid)
trap 'kill "$nginx_pid" 2>/dev/null; rm -rf "$dir"' EXIT

client() {
    OPENSSL_CONF=/dev/null curl --silent --show-error --max-time 20 \
        --noproxy localhost --cacert www.crt --ipv4 \
        "https://localhost:$port/" 2>err
}
serve() {
    for i in 1 2 3 4 5 6 7 8; do
        client >out
        grep -q served out || {
            tail -n 5 nginx.log >&2
            die "$1: not served"
        }
    done
}
serve "first"
kill -HUP "$nginx_pid"
sleep 1
serve "after a reload"
run hsm --delete-object --type privkey --id 11
client >out
if grep -q served out; then die "served without the key"; fi
grep -q ownkey nginx.log || die "the log does not say why"
