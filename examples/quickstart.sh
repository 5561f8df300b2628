#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A key in a KMS wraps a data key through pkcs11-tool, serves HTTPS through
# stock nginx, and both stop when the key is disabled. Twice: with localkms, a
# key in a file, and with a double of AWS KMS on the loopback interface.
#
#   sh examples/quickstart.sh [--no-install] [--keep]
#
# Installs the Debian packages that are missing (--no-install: says which),
# builds under build/quickstart, works in a temporary folder (--keep: leaves
# it), and ends every server that it started.
set -eu
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/examples/setup.sh"

install=yes
keep=no
for arg in "$@"; do
    case $arg in
    --no-install) install=no ;;
    --keep) keep=yes ;;
    -h | --help)
        sed -n '4,12s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "examples/quickstart.sh: unknown argument $arg" ;;
    esac
done

# ---- build ------------------------------------------------------------------

# shellcheck disable=SC2086 # lists of words
need_packages "$install" $build_packages $demo_packages

build=$top/build/quickstart
prefix=$build/installed
mkdir -p "$build"
say "Building; the log is build/quickstart/log"
{
    configure_tree "$top" "$build" --prefix="$prefix" &&
        make -C "$build" -s -j "$(nproc)" &&
        make -C "$build" -s install
} >"$build/log" 2>&1 || {
    tail -n 40 "$build/log" >&2
    die "The build failed."
}

# ---- a place to work, and a way to leave it -----------------------------------

dir=$(mktemp -d)
nginx_pid=
leave() {
    status=$?
    trap - EXIT INT TERM
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || :
    [ ! -f "$dir/aws/pid" ] || kill "$(cat "$dir/aws/pid")" 2>/dev/null || :
    if [ "$keep" = yes ]; then
        say "Left behind: $dir"
    else
        rm -rf "$dir"
    fi
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

PATH=$prefix/bin:$PATH:/usr/sbin:/sbin
module=$prefix/lib/pkcs11/ownkey-pkcs11.so
OWNKEY_CONF=$dir/ownkey.conf
provider=$dir/openssl.cnf # for the programs that are put under the key
export PATH OWNKEY_CONF

cat >"$provider" <<EOF
openssl_conf = init
[init]
providers = providers
[providers]
default = default_sect
ownkey = ownkey_sect
[default_sect]
activate = 1
[ownkey_sect]
module = $prefix/lib/ossl-modules/ownkey.so
config = $OWNKEY_CONF
activate = 1
[req]
distinguished_name = dn
[dn]
EOF

# ---- the two services ---------------------------------------------------------

start_localkms() {
    say "Two keys in files for localkms:"
    for key in kek www; do
        type=aes-256
        [ "$key" = kek ] || type=ec-p256
        ownkey localkms create "$dir/$key" --type "$type" >/dev/null
        : >"$dir/$key.calls" # from here on it counts its calls
    done
    cat >>"$OWNKEY_CONF" <<EOF
[local]
kek   = localkms://$dir/kek
cache = 2s

[local/www]
key = localkms://$dir/www
EOF
}

start_aws() {
    /usr/bin/python3 "$top/tests/cloud/awskms.py" --dir "$dir/aws" --detach \
        --tls --parent $$ --key alias/kek=SYMMETRIC_DEFAULT \
        --key alias/www=RSA_2048:SIGN_VERIFY
    . "$dir/aws/env" # credentials, region and endpoint, as on a real host
    cat >>"$OWNKEY_CONF" <<EOF

[cloud]
kek   = awskms:///alias/kek
cache = 2s

[cloud/www]
key = awskms:///alias/www
EOF
}

aws() {
    /usr/bin/python3 "$top/tests/cloud/ctl.py" "$dir/aws" "$@"
}

# calls TOKEN: how often its service was asked so far.
calls() {
    case $1 in
    local) cat "$dir/kek.calls" "$dir/www.calls" | wc -l ;;
    cloud) aws calls ;;
    esac
}

# turn TOKEN disable|enable KEY: what the customer does in their console.
turn() {
    case $1 in
    local) ownkey localkms "$2" "$dir/$3" >/dev/null ;;
    cloud) aws "$2" "alias/$3" >/dev/null ;;
    esac
}

# ---- steps ----------------------------------------------------------------------

# why FILE: the line of a program's output that says why.
why() {
    grep -E 'disabled|CKR_|alert|error' "$1" | head -n 1 | fold -s -w 108 |
        head -n 3 | sed 's/^/            /'
}

# step WHAT EXPECTED COMMAND...: runs it; a row of the table, with its calls.
step() {
    what=$1
    expected=$2
    shift 2
    before=$(calls "$token")
    result=works
    "$@" >"$dir/out" 2>&1 || result=refused
    after=$(calls "$token")
    printf '%-6s  %-52s  %-8s  %9d\n' "$token" "$what" "$result" \
        $((after - before))
    [ "$result" = works ] || why "$dir/out"
    [ "$result" = "$expected" ] || {
        cat "$dir/out" >&2
        die "It should have been $expected."
    }
}

pkcs11() {
    pkcs11-tool --module "$module" --token-label "$token" "$@"
}

list() {
    pkcs11 -O && pkcs11 -M && ownkey key list "$token"
}

new_key() {
    ownkey wrap "$token" --generate 32 --out "$dir/$token.wrapped"
}

# Unwraps the wrapped key into the module and wraps it again from there. The
# mechanism is CKM_OWNKEY_WRAP; see ownkey-pkcs11(7).
rewrap() {
    kek=$(pkcs11 -O --type secrkey 2>/dev/null | sed -n 's/^ *ID: *//p')
    pkcs11 --unwrap -m 0xCF4B0001 --id "$kek" -i "$dir/$token.wrapped" \
        --key-type AES: --extractable --application-id 77 \
        --wrap -o "$dir/$token.again"
}

# Both wrapped keys open to the same 32 bytes.
compare() {
    for name in wrapped again; do
        ownkey unwrap "$token" --in "$dir/$token.$name" \
            --out "$dir/$token.$name.key" || return
    done
    cmp "$dir/$token.wrapped.key" "$dir/$token.again.key" &&
        [ "$(wc -c <"$dir/$token.again.key")" -eq 32 ]
}

open_key() {
    ownkey unwrap "$token" --in "$dir/$token.wrapped" >"$dir/$token.opened"
}

# The public part comes from the service, once; then listing asks nobody.
public_part() {
    ownkey key public "$token/www" >"$dir/$token.pub" &&
        sed -i "/^\[$token\/www\]/a public_key = $dir/$token.pub" "$OWNKEY_CONF"
}

certificate() {
    ownkey key pem "$token/www" >"$dir/$token.key" &&
        OPENSSL_CONF=$provider openssl req -new -x509 -days 2 \
            -key "$dir/$token.key" -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost -out "$dir/$token.pem"
}

# A free port, asked of the kernel.
free_port() {
    /usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

serve() {
    port=$(free_port)
    cat >"$dir/nginx.conf" <<EOF
daemon off;
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
$([ "$(id -u)" -ne 0 ] || echo "user root;")
events { }
http {
    access_log off;
    client_body_temp_path $dir/nginx-body;
    proxy_temp_path $dir/nginx-proxy;
    fastcgi_temp_path $dir/nginx-fastcgi;
    uwsgi_temp_path $dir/nginx-uwsgi;
    scgi_temp_path $dir/nginx-scgi;
    server {
        listen 127.0.0.1:$port ssl;
        server_name localhost;
        ssl_certificate $dir/$token.pem;
        ssl_certificate_key $dir/$token.key;
        return 200 "hello from nginx\n";
    }
}
EOF
    OPENSSL_CONF=$provider nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/nginx.log" &
    nginx_pid=$!
    tries=0
    until [ -s "$dir/nginx.pid" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "$nginx_pid" || return
        sleep 0.1
    done
}

fetch() {
    curl --silent --show-error --max-time 15 --cacert "$dir/$token.pem" \
        --resolve "localhost:$port:127.0.0.1" "https://localhost:$port/"
}

stop_serving() {
    kill "$nginx_pid"
    wait "$nginx_pid" 2>/dev/null || :
    nginx_pid=
    rm -f "$dir/nginx.pid"
}

walk() {
    token=$1
    step "get the public key of a remote key" works public_part
    step "list objects, mechanisms and keys" works list
    step "make a data key, wrapped by the KEK" works new_key
    step "unwrap and wrap it again through pkcs11-tool" works rewrap
    step "unwrap both: they are the same key" works compare
    step "make a certificate with openssl and a key file" works certificate
    step "start nginx with that key file" works serve
    step "fetch a page by HTTPS" works fetch
    turn "$token" disable kek
    turn "$token" disable www
    step "... disabled: unwrap" refused open_key
    step "... disabled: unwrap and wrap through pkcs11-tool" refused rewrap
    step "... disabled: fetch a page by HTTPS" refused fetch
    turn "$token" enable kek
    turn "$token" enable www
    step "... enabled again: unwrap" works open_key
    step "... enabled again: fetch from the same nginx" works fetch
    stop_serving
}

umask 077
: >"$OWNKEY_CONF"
start_localkms
start_aws
printf '\n%-6s  %-52s  %-8s  %9s\n' token step result 'KMS calls'
walk local
walk cloud
printf '\n%d KMS calls for local (a key in a file), %d for cloud (AWS KMS, a double)\n' \
    "$(calls local)" "$(calls cloud)"
echo "Everything went as it should."
