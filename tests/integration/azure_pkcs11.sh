#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkcs11-tool on tokens of the double of Azure Key Vault and Managed HSM.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/azure_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

{
    azure_token acme "$vault" kek vault
    for key in www ec384 rsa; do
        azure_key acme $key
    done
    azure_token hsm "$hsm" oct managedhsm "azure.algorithm = A256KW"
} >ownkey.conf
chmod 600 ownkey.conf

# total N: requests to the vaults so far.
total() {
    n=$(vault_calls)
    [ "$n" -eq "$1" ] || die "$n KMS calls, not $1"
}

run tool -L
has out "token model        : azurekms"
run tool -M
run tool --slot 0 -O
run tool --slot 1 -O
total 0

run tool --slot 0 --test
has out "No errors"
run tool --slot 1 --test
has out "No errors"

head -c 32 /dev/urandom >dek
for slot in 0:acme 1:hsm; do
    token=${slot#*:}
    kek=$(id_of secrkey "$token" --slot "${slot%:*}")
    ownkey wrap "$token" --in dek --out dek.wrapped --force ||
        die "ownkey wrap"
    double reset
    run tool --slot "${slot%:*}" --unwrap -m $WRAP --id "$kek" \
        -i dek.wrapped --key-type AES:32 --application-id 02 --extractable \
        --wrap -o again.wrapped
    total 2
    ownkey unwrap "$token" --in again.wrapped --out dek.again ||
        die "ownkey unwrap"
    cmp dek dek.again || die "another key came out"
    rm dek.again
done

echo "a message" >msg
double reset
for sign in www:ECDSA-SHA256:sha256 ec384:ECDSA-SHA256:sha256 \
    rsa:SHA1-RSA-PKCS:sha1 rsa:SHA256-RSA-PKCS:sha256 \
    rsa:SHA512-RSA-PKCS:sha512; do
    key=${sign%%:*}
    hash=${sign##*:}
    mechanism=${sign#*:}
    run tool --slot 0 --sign -m "${mechanism%:*}" \
        --id "$(id_of privkey "$key" --slot 0)" -i msg -o sig -f openssl
    run openssl dgst "-$hash" -verify "$key.pub" -signature sig msg
done
total 5
for hash in sha1 sha256; do
    run openssl pkeyutl -encrypt -pubin -inkey rsa.pub -in msg -out enc \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:$hash
    run tool --slot 0 --decrypt -m RSA-PKCS-OAEP \
        --hash-algorithm "$(echo $hash | sed s/sha/SHA/ | sed s/SHA1/SHA-1/)" \
        --id "$(id_of privkey rsa --slot 0)" -i enc -o dec
    cmp msg dec || die "another text came out"
done

# Taken away, and not there: two different answers.
kek=$(id_of secrkey acme --slot 0)
ownkey wrap acme --in dek --out dek.wrapped --force || die "ownkey wrap"
run double disable kek
fails tool --slot 0 --unwrap -m $WRAP --id "$kek" -i dek.wrapped \
    --key-type AES:32
has err CKR_KEY_FUNCTION_NOT_PERMITTED
run double enable kek
run tool --slot 0 --unwrap -m $WRAP --id "$kek" -i dek.wrapped \
    --key-type AES:32 --application-id 04
run double stop
fails tool --slot 0 --unwrap -m $WRAP --id "$kek" -i dek.wrapped \
    --key-type AES:32
has err CKR_DEVICE_ERROR
