#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How a host reaches a service: by its own name through the proxy of the
# environment, with a CA of one's own and no other, with a client certificate,
# and with connections that are kept.
. "${OWNKEY_SRCDIR:-$(dirname "$0")/../..}/tests/integration/tool_lib.sh"
cloud=$OWNKEY_SRCDIR/tests/cloud

host=kms.eu-west-1.amazonaws.com
"$cloud/awskms.py" --dir "$dir/aws" --detach --parent $$ --tls \
    --tls-name $host --key alias/acme || die "no double"
port=$(sed 's/.*://' aws/endpoint)
"$cloud/proxy.py" --dir "$dir/proxy" --detach --parent $$ \
    --map $host:443="$port" || die "no proxy"
"$cloud/proxy.py" --dir "$dir/locked" --detach --parent $$ \
    --map $host:443="$port" --credentials 'svc:pass' || die "no proxy"
stop_all() {
    "$cloud/ctl.py" "$dir/aws" stop
    kill "$(cat "$dir/proxy/pid")" "$(cat "$dir/locked/pid")"
    rm -rf "$dir"
}
trap stop_all EXIT

. aws/env
unset AWS_ENDPOINT_URL_KMS AWS_CA_BUNDLE http_proxy HTTP_PROXY https_proxy \
    HTTPS_PROXY no_proxy NO_PROXY all_proxy ALL_PROXY
cat >ownkey.conf <<CONF
[acme]
kek = awskms:///alias/acme
ca_file = $dir/aws/ca.pem
timeout = 4s
CONF
export OWNKEY_CONF="$dir/ownkey.conf"
printf 'thirty-two bytes of a data key..' >key

# ---- proxies ----

# Nobody knows the service's name here, and no request leaves this host.
expect 5 ownkey wrap acme --in key --out w --force
has err "$host"

https_proxy=$(cat proxy/endpoint) expect 0 ownkey wrap acme \
    --in key --out w --force
has proxy/log "CONNECT $host:443 200"
HTTPS_PROXY=$(cat proxy/endpoint) expect 0 ownkey unwrap acme \
    --in w --out back --force
cmp -s key back || die "another key came back"

: >proxy/log
https_proxy=$(cat proxy/endpoint) NO_PROXY=amazonaws.com \
    expect 5 ownkey unwrap acme --in w --out back --force
[ ! -s proxy/log ] || die "NO_PROXY was not obeyed"

https_proxy=$(sed 's,//,//svc:pass@,' locked/endpoint) \
    expect 0 ownkey unwrap acme --in w --out back --force
https_proxy=$(cat locked/endpoint) \
    expect 5 ownkey unwrap acme --in w --out back --force
has err 407
https_proxy=http://127.0.0.1:1 \
    expect 5 ownkey unwrap acme --in w --out back --force

# Not for what never leaves this host.
sed -i "s,^kek.*,&\naws.endpoint = https://localhost:$port," ownkey.conf
: >proxy/log
https_proxy=$(cat proxy/endpoint) expect 5 ownkey unwrap acme \
    --in w --out back --force
has err "certificate" # it is for another name
[ ! -s proxy/log ] || die "a request to localhost went to the proxy"
sed -i /aws.endpoint/d ownkey.conf

# ---- whom we trust ----

# ca_file is these and no others, also where the system would trust it.
mkdir certs
cp aws/ca.pem certs/
openssl rehash certs
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=other -keyout other.key -out other.pem 2>/dev/null
sed -i "s,^ca_file.*,ca_file = $dir/other.pem," ownkey.conf
https_proxy=$(cat proxy/endpoint) SSL_CERT_DIR=$dir/certs \
    expect 5 ownkey unwrap acme --in w --out back --force
has err "ca_file"
has err "cannot be trusted"
# A file that is not there, or holds none, is a mistake in the configuration.
for file in none.pem other.key; do
    sed -i "s,^ca_file.*,ca_file = $dir/$file," ownkey.conf
    https_proxy=$(cat proxy/endpoint) \
        expect 3 ownkey unwrap acme --in w --out back --force
    has err "ca_file: $dir/$file"
done

# ---- a client certificate ----

sed -i "s,^ca_file.*,ca_file = $dir/aws/ca.pem\nclient_cert = $dir/none.pem," \
    ownkey.conf
https_proxy=$(cat proxy/endpoint) \
    expect 5 ownkey unwrap acme --in w --out back --force
has err "client certificate $dir/none.pem"
sed -i "s,^client_cert.*,client_cert = $dir/other.pem\nclient_key = $dir/other.key," \
    ownkey.conf
https_proxy=$(cat proxy/endpoint) \
    expect 0 ownkey unwrap acme --in w --out back --force
sed -i /^client_cert/d ownkey.conf
expect 3 ownkey unwrap acme --in w --out back --force
has err "client_key"
sed -i /^client_key/d ownkey.conf

# ---- connections are kept ----

"$cloud/ctl.py" aws reset
https_proxy=$(cat proxy/endpoint) expect 0 ownkey check acme
"$cloud/ctl.py" aws stats >out
json 'd["connections"] <= 2'
json 'sum(d["operations"].values()) >= 4'
echo "transport: all as it should be"
