# SPDX-License-Identifier: Apache-2.0
# The double of Azure Key Vault, whose KEK is an RSA key. Sourced by matrix.sh.
# shellcheck shell=sh
# PKCS#11 and OpenSSL take an RSA KEK for what it is: what they wrap is plain
# OAEP, without our header, and has no version to show. The tool writes the
# header, and opens no wrapped key without one.
vault=acme
listener=endpoint
keys='kek=RSA:2048 rsa=RSA:2048 pss=RSA:2048 dec=RSA:2048 ec=EC:P-256'
grant=wrapKey,unwrapKey,sign,decrypt # and not get
resource=https://vault.azure.net
algorithm=RSA-OAEP-256

ctl() {
    /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$PWD/azure" "$@"
}

service_public() {
    ctl public-key "$vault/$1"
}

service_start() {
    # shellcheck disable=SC2046 # a list of options
    run /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/azurekms.py" \
        --dir "$PWD/azure" --detach --parent $$ --tls --grant "$grant" \
        $(printf -- "--key $vault/%s " $keys)
    # shellcheck disable=SC1091 # made by the double
    . "$PWD/azure/env"
    at=$(sed 's|^https|azurekms|' "azure/$listener")
    {
        service_kek "$at/kek" "ca_file = $PWD/azure/ca.pem" \
            "azure.authority = $(cat azure/endpoint.login)" \
            "azure.resource = $resource" "azure.algorithm = $algorithm"
        for k in rsa pss dec ec; do
            remote $k "$at/$k"
        done
    } >ownkey.conf
}

service_kek() {
    service_public kek >kek.pem
    section acme "$@" "public_key = $PWD/kek.pem"
}

service_rotate() {
    ctl rotate "$vault/kek"
}

service_stop() {
    ctl stop
}

readers() {
    case $1 in
    tool) echo tool ;;
    *) echo 'pkcs11 openssl' ;;
    esac
}

wrap_openssl() {
    with_openssl pkeyutl -encrypt -inkey ownkey:acme -in "$1" -out "$2" \
        -pkeyopt rsa_padding_mode:oaep
}
unwrap_openssl() {
    with_openssl pkeyutl -decrypt -inkey ownkey:acme -in "$1" -out "$2" \
        -pkeyopt rsa_padding_mode:oaep
}
wrap_pkcs11() {
    wrap_openssl "$1" before
    rewrap_pkcs11 before "$2"
}
unwrap_pkcs11() {
    rewrap_pkcs11 "$1" after
    unwrap_openssl after "$2"
}
rewrap_pkcs11() {
    p11 --unwrap -m RSA-PKCS-OAEP --id "$(own pubkey acme)" -i "$1" \
        --key-type AES: --extractable --application-id 77 --wrap -o "$2"
}
