#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stock nginx with two workers and a key file: TLS 1.2 and 1.3, one KMS call
# for each full handshake, none for a resumed one, none to start or reload; it
# stops serving when the key is disabled and goes on when it is enabled.
set -eu
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || exit 77
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"

make_key kek aes-256
make_key www ec-p256
{
    printf '[acme]\nkek = localkms://%s/kek.key\n' "$dir"
    section www
} >ownkey.conf
make_cnfs "$dir/ownkey.conf"
use_order default-first
ok openssl req -new -x509 -key ownkey:acme/www -subj /CN=localhost -days 30 \
    -addext subjectAltName=DNS:localhost -out www.crt
ok openssl pkey -in ownkey:acme/www -out www.pem

# Workers run as another user when root starts nginx; then the key, which is a
# service's in real life, must be theirs to read.
user=
if [ "$(id -u)" -eq 0 ]; then
    user='user nobody nogroup;'
    chmod 755 "$dir"
    chown nobody:nogroup www.key www.key.calls
fi

write_conf() {
    cat >nginx.conf <<EOF
$user
daemon off;
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
        server_name localhost;
        ssl_certificate $dir/www.crt;
        ssl_certificate_key $dir/www.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:SSL:1m;
        location / { return 200 "served\n"; }
    }
}
EOF
}

start_nginx() {
    for i in 1 2 3 4 5; do
        port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        write_conf "$port"
        nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/nginx.log" &
        nginx_pid=$!
        pids="$pids $nginx_pid"
        for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
            kill -0 $nginx_pid 2>/dev/null || break
            grep -qs 'start worker process ' nginx.log && [ -s nginx.pid ] &&
                return
            sleep 0.2
        done
    done
    cat nginx.log >&2
    fail "$order: nginx did not start"
}

client() {
    printf 'GET / HTTP/1.0\r\n\r\n' |
        OPENSSL_CONF=/dev/null timeout 20 openssl s_client -ign_eof \
            -connect "127.0.0.1:$port" -servername localhost \
            -CAfile www.crt -verify_return_error "$@"
}
served() {
    ok grep -q '^served' out
}

for o in $orders; do
    use_order "$o"
    rm -f nginx.log
    before=$(calls)
    start_nginx
    [ "$(calls)" -eq "$before" ] || fail "$order: starting called the KMS"
    for v in tls1_2 tls1_3; do
        called 1 client -$v -sess_out session
        cp out first
        called 0 client -$v -sess_in session
        grep -q '^Reused' out || fail "$order: $v was not resumed"
        grep -q '^served' out || fail "$order: $v serves nothing"
    done
    # Both workers have had a turn by now.
    for i in 1 2 3 4 5 6; do called 1 client -tls1_3; done

    # The customer says no; and yes again.
    mv www.key www.away
    if client -tls1_3 >out 2>err; then fail "$order: served without the key"; fi
    mv www.away www.key
    called 1 client -tls1_3

    before=$(calls)
    kill -HUP $nginx_pid
    sleep 1
    [ "$(calls)" -eq "$before" ] || fail "$order: a reload called the KMS"
    called 1 client -tls1_2

    kill -QUIT $nginx_pid
    wait $nginx_pid || fail "$order: nginx ended with $?"
    ! grep -E 'signal 11|exited on signal|\[alert\]' nginx.log ||
        fail "$order: a worker died"
done
echo PASS
