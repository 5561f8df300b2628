#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkcs11-tool on tokens of the AWS KMS double.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
python=/usr/bin/python3
"$python" -c 'import cryptography' 2>/dev/null ||
    skip "needs python3-cryptography"
cloud=$OWNKEY_SRCDIR/tests/cloud

ctl() {
    "$python" "$cloud/ctl.py" "$dir/kms" "$@"
}

# total N: requests so far.
total() {
    [ "$(ctl calls)" -eq "$1" ] || die "$(ctl calls) KMS calls, not $1"
}

run "$python" "$cloud/awskms.py" --dir "$dir/kms" --detach --parent $$ \
    --key alias/kek --key alias/rsakek=RSA_2048:ENCRYPT_DECRYPT \
    --key alias/p256=ECC_NIST_P256 --key alias/p384=ECC_NIST_P384 \
    --key alias/rsa=RSA_2048 --key alias/dec=RSA_2048:ENCRYPT_DECRYPT
. "$dir/kms/env"
for k in rsakek p256 p384 rsa dec; do
    ctl public-key "alias/$k" >"$k.pem" || die "public-key $k"
done
key() {
    printf '[%s]\nkey = awskms:///alias/%s\npublic_key = %s/%s.pem\n' \
        "$1" "$2" "$dir" "$2"
}
{
    printf '[acme]\nkek = awskms:///alias/kek\n'
    key acme/p256 p256
    key acme/p384 p384
    printf '[rsakek]\nkek = awskms:///alias/rsakek\npublic_key = %s/%s\n' \
        "$dir" rsakek.pem
    printf '[more]\nkek = awskms:///alias/kek\n'
    key more/rsa rsa
    key more/dec dec
} >ownkey.conf
chmod 600 ownkey.conf

run tool -L
has out "token model        : awskms"
run tool -M
run tool -O
run tool --slot 2 -O
total 0

# pkcs11-tool --test signs SHA-1 with RSA keys, which AWS KMS does not; that
# token is left out.
for slot in 0 1; do
    run tool --slot $slot --test
    has out "No errors"
    run tool --slot $slot --login --pin 1 --test --session-rw
    has out "No errors"
done
run tool --test-fork
run tool --test-threads ILGISLT0 --test-threads ILGISLT0 -L

run tool --keygen -m $SESSION_KEY_GEN --key-type AES:32 --label k --id 01
kek=$(id_of secrkey acme)
head -c 32 /dev/urandom >dek
ownkey wrap acme --in dek --out dek.wrapped || die "ownkey wrap"
before=$(ctl calls)
run tool --unwrap -m $WRAP --id "$kek" -i dek.wrapped --key-type AES:32 \
    --application-id 02 --extractable --wrap -o again.wrapped
total $((before + 2))
ownkey unwrap acme --in again.wrapped --out dek.again || die "ownkey unwrap"
cmp dek dek.again || die "another key came out"

run openssl pkeyutl -encrypt -pubin -inkey rsakek.pem -in dek -out dek.oaep \
    -pkeyopt rsa_padding_mode:oaep
before=$(ctl calls)
run tool --slot 1 --unwrap -m RSA-PKCS-OAEP \
    --id "$(id_of pubkey rsakek --slot 1)" -i dek.oaep --key-type AES:32 \
    --application-id 03 --extractable --wrap -o again.oaep
total $((before + 1))
run tool --slot 1 --decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA-1 \
    --id "$(id_of pubkey rsakek --slot 1)" -i again.oaep -o dek.again
cmp dek dek.again || die "another key came out"

echo "a message" >msg
before=$(ctl calls)
run tool --sign -m ECDSA-SHA256 --id "$(id_of privkey p256)" -i msg -o sig \
    -f openssl
run openssl dgst -sha256 -verify p256.pem -signature sig msg
run tool --sign -m ECDSA-SHA256 --id "$(id_of privkey p384)" -i msg -o sig \
    -f openssl
run openssl dgst -sha256 -verify p384.pem -signature sig msg
run tool --slot 2 --sign -m SHA512-RSA-PKCS \
    --id "$(id_of privkey rsa --slot 2)" -i msg -o sig
run openssl dgst -sha512 -verify rsa.pem -signature sig msg
total $((before + 3))

run openssl pkeyutl -encrypt -pubin -inkey dec.pem -in msg -out enc \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
before=$(ctl calls)
run tool --slot 2 --decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA256 \
    --id "$(id_of privkey dec --slot 2)" -i enc -o dec
cmp msg dec || die "another text came out"
total $((before + 1))

# Taken away, and not there: two different answers.
run ctl disable alias/kek
fails tool --unwrap -m $WRAP --id "$kek" -i again.wrapped --key-type AES:32
has err "CKR_KEY_FUNCTION_NOT_PERMITTED"
run ctl enable alias/kek
run tool --unwrap -m $WRAP --id "$kek" -i again.wrapped --key-type AES:32 \
    --application-id 04
run ctl stop
fails tool --unwrap -m $WRAP --id "$kek" -i again.wrapped --key-type AES:32
has err "CKR_DEVICE_ERROR"
