# SPDX-License-Identifier: Apache-2.0
# A token in SoftHSM, as an HSM of a customer. Sourced by matrix.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # here: of matrix.sh
oaep=sha1 # SoftHSM has no other

service_public() {
    hsm --read-object --type pubkey --label "$1" >"$1.pub" 2>/dev/null
    openssl pkey -pubin -in "$1.pub" # DER, and of Ed25519 PEM
}

service_mac() {
    cat >mac.in
    hsm --sign -m SHA256-HMAC --id 20 -i mac.in -o mac.out >/dev/null 2>&1
    cat mac.out
}

service_start() {
    . "$here/softhsm_lib.sh"
    run hsm --keygen --key-type AES:32 --id 01 --label kek
    run hsm --keygen --key-type generic:32 --id 20 --label mac --usage-sign
    for k in rsa:10 pss:11 dec:12; do
        run hsm --keypairgen --key-type rsa:2048 --id ${k#*:} --label ${k%:*}
    done
    run hsm --keypairgen --key-type EC:prime256v1 --id 13 --label ec
    run hsm --keypairgen --key-type EC:edwards25519 --id 14 --label ed
    run hsm --keypairgen --key-type EC:prime256v1 --id 15 --label agree \
        --usage-derive
    {
        section acme "$(uri kek)" "pkcs11.pin_file = $PWD/pin"
        for k in rsa pss dec ec ed; do
            remote $k "$(uri $k)"
        done
        remote agree "$(uri agree)" 'usage = derive'
        section acme/mac "$(uri mac)" 'type = hmac-sha256'
    } >ownkey.conf
}

# A key in an HSM has no versions.
service_rotate() {
    :
}
