# SPDX-License-Identifier: Apache-2.0
# A real OpenBao server, in memory. Sourced by matrix.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # here: of matrix.sh
. "$here/matrix/hashivault.sh"
. "$here/matrix/peer.sh"

# bao ARGUMENT...: its command line, as root.
bao() {
    BAO_TOKEN=root "$bin/bao" "$@"
}

public_key() {
    /usr/bin/python3 -c 'import json, sys
print(json.load(sys.stdin)["data"]["keys"]["1"]["public_key"])'
}

service_public() {
    bao read -format=json "transit/keys/$1" | public_key | spki
}

start_vault() {
    BAO_ADDR=https://127.0.0.1:$(free_port)
    BAO_CACERT=$PWD/vault-ca.pem
    export BAO_ADDR BAO_CACERT
    HOME=$PWD peer "$bin/bao" server -dev -dev-no-store-token -dev-tls \
        -dev-root-token-id=root -dev-tls-cert-dir="$PWD" \
        -dev-listen-address="${BAO_ADDR#https://}"
    until_it "says it is unsealed" bao status
    run bao secrets enable transit
    for k in $keys; do
        size=
        [ "${k#*=}" != hmac ] || size=key_size=32
        # shellcheck disable=SC2086 # perhaps no word
        run bao write "transit/keys/${k%=*}" "type=${k#*=}" $size
    done
    policy >policy.hcl
    run bao policy write kms policy.hcl
    run bao token create -policy=kms -ttl=1h -field=token
    VAULT_TOKEN=$(cat out)
    export VAULT_TOKEN
}

service_rotate() {
    bao write -f transit/keys/kek/rotate
}

service_stop() {
    end_peer
}
