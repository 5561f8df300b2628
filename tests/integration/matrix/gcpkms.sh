# SPDX-License-Identifier: Apache-2.0
# The double of Google Cloud KMS. Sourced by matrix.sh.
# shellcheck shell=sh
versions=yes

ctl() {
    /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$PWD/gcp" "$@"
}

service_public() {
    ctl public-key "$1/1"
}

service_start() {
    # shellcheck disable=SC2046 # a list of options
    run /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/gcpkms.py" \
        --dir "$PWD/gcp" --detach --parent $$ --tls --key kek \
        --key rsa=RSA_SIGN_PKCS1_2048_SHA256 \
        --key pss=RSA_SIGN_PSS_2048_SHA256 \
        --key dec=RSA_DECRYPT_OAEP_2048_SHA256 --key ec=EC_SIGN_P256_SHA256 \
        --key ed=EC_SIGN_ED25519 --key mac=HMAC_SHA256 --no-grants \
        --grant tester=cryptoKeyEncrypterDecrypter@kek \
        --grant tester=cryptoKeyDecrypter@dec \
        $(printf -- '--grant tester=signer@%s ' rsa pss ec ed mac)
    # shellcheck disable=SC1091 # made by the double
    . "$PWD/gcp/env"
    ring=gcpkms://projects/example-project/locations/europe-west3/keyRings/ring
    {
        section acme $ring/cryptoKeys/kek "ca_file = $PWD/gcp/ca.pem" \
            "gcp.endpoint = $(cat gcp/endpoint)"
        for k in ec ed; do
            remote $k $ring/cryptoKeys/$k/cryptoKeyVersions/1
        done
        # Nobody may read what these are for.
        for k in rsa:RSA_SIGN_PKCS1 pss:RSA_SIGN_PSS dec:RSA_DECRYPT_OAEP; do
            remote "${k%:*}" "$ring/cryptoKeys/${k%:*}/cryptoKeyVersions/1" \
                "gcp.algorithm = ${k#*:}_2048_SHA256"
        done
        section acme/mac $ring/cryptoKeys/mac/cryptoKeyVersions/1 \
            'type = hmac-sha256'
    } >ownkey.conf
}

service_rotate() {
    ctl rotate kek
}

service_stop() {
    ctl stop
}
