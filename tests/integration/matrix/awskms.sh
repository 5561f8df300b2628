# SPDX-License-Identifier: Apache-2.0
# The double of AWS KMS. Sourced by matrix.sh.
# shellcheck shell=sh

ctl() {
    /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$PWD/aws" "$@"
}

service_public() {
    ctl public-key "alias/$1"
}

service_start() {
    run /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/awskms.py" \
        --dir "$PWD/aws" --detach --parent $$ --tls --key alias/kek \
        --key alias/rsa=RSA_2048 --key alias/pss=RSA_2048 \
        --key alias/dec=RSA_2048:ENCRYPT_DECRYPT \
        --key alias/ec=ECC_NIST_P256 --key alias/ed=ECC_NIST_EDWARDS25519 \
        --key alias/mac=HMAC_256 --key alias/agree=ECC_NIST_P256:KEY_AGREEMENT
    # shellcheck disable=SC1091 # made by the double
    . "$PWD/aws/env"
    {
        section acme awskms:///alias/kek
        for k in rsa pss dec ec ed; do
            remote $k "awskms:///alias/$k"
        done
        remote agree awskms:///alias/agree 'usage = derive'
        section acme/mac awskms:///alias/mac 'type = hmac-sha256'
    } >ownkey.conf
}

service_rotate() {
    ctl rotate alias/kek
}

service_stop() {
    ctl stop
}
