#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkcs11-tool on tokens of the Google Cloud KMS double: each kind of key, and
# from the service's own error to CK_RV.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "$OWNKEY_SRCDIR/tests/integration/gcp_lib.sh"
chmod 600 "$OWNKEY_CONF"

# total N: requests since the last reset.
total() {
    [ "$(double calls)" -eq "$1" ] || die "$(double calls) requests, not $1"
}

double reset >/dev/null
run tool -L
has out "token model        : gcpkms"
run tool -M
run tool -O
total 0

# Wrapped keys of a symmetric KEK, of raw AES, and what others wrapped with RSA.
run tool --keygen -m $SESSION_KEY_GEN --key-type AES:32 --label k --id 01
head -c 32 /dev/urandom >dek
slot=0
for token in acme raw; do
    kek=$(id_of secrkey $token --slot $slot)
    ownkey wrap $token --in dek --out dek.wrapped || die "wrap $token"
    double reset >/dev/null
    run tool --slot $slot --unwrap -m $WRAP --id "$kek" -i dek.wrapped \
        --key-type AES:32 --application-id 02 --extractable --wrap \
        -o again.wrapped
    total 2
    rm -f dek.again
    ownkey unwrap $token --in again.wrapped --out dek.again ||
        die "unwrap $token"
    cmp dek dek.again || die "another key came out of $token"
    rm -f dek.wrapped again.wrapped
    slot=$((slot + 1))
done
run openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in dek -out dek.oaep \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
rsa=$(id_of pubkey rsa --slot 2)
run tool --slot 2 --decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA256 \
    --id "$rsa" -i dek.oaep -o dek.oaep.again
cmp dek dek.oaep.again || die "another key came out of OAEP"

# Signatures, one request each once the algorithm is known.
echo "a message" >msg
# signs KEY MECHANISM DIGEST [VERIFY-OPTION...]
signs() {
    key=$1
    mechanism=$2
    digest=$3
    shift 3
    run tool --slot 0 --sign -m "$mechanism" --id "$(id_of privkey "$key")" \
        -i msg -o sig -f openssl
    run openssl dgst "-$digest" -verify "$key.pem" "$@" -signature sig msg
}
signs p256 ECDSA-SHA256 sha256
signs p384 ECDSA-SHA384 sha384
signs p384 ECDSA-SHA256 sha256
signs pkcs1 SHA256-RSA-PKCS sha256
signs pss SHA256-RSA-PKCS-PSS sha256 -sigopt rsa_padding_mode:pss
run tool --sign -m EDDSA --id "$(id_of privkey ed)" -i msg -o sig
run openssl pkeyutl -verify -pubin -inkey ed.pem -rawin -in msg -sigfile sig

# A key for PSS makes no other signature: that is refused, not tried.
fails tool --sign -m SHA256-RSA-PKCS --id "$(id_of privkey pss)" -i msg -o sig

run openssl pkeyutl -encrypt -pubin -inkey dec.pem -in msg -out enc \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
run tool --decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA256 \
    --id "$(id_of privkey dec)" -i enc -o dec.out
cmp msg dec.out || die "another text came out"

# From the service's own error to CK_RV.
ownkey wrap acme --in dek --out dek.wrapped || die "wrap"
kek=$(id_of secrkey acme)
printf 'timeout = 2s\n' >short
sed -i '2r short' "$OWNKEY_CONF"
row() { # WHAT ORDER END CK_RV
    # shellcheck disable=SC2086 # an order is several words
    double $2 >/dev/null
    fails tool --slot 0 --unwrap -m $WRAP --id "$kek" -i dek.wrapped \
        --key-type AES:32 --application-id 03
    has err "$4"
    # shellcheck disable=SC2086 # so is this
    double $3 >/dev/null
    echo "# gcpkms | $1 | $4"
}
denied=CKR_KEY_FUNCTION_NOT_PERMITTED
row "no permission" deny clear $denied
row "API off" "api off" "api on" $denied
row "disabled" "disable kek" "state kek ENABLED" $denied
row "to be destroyed" "destroy kek" "state kek ENABLED" $denied
row "destroyed" "state kek DESTROYED" "state kek ENABLED" $denied
row "no such key" "fail 99 NOT_FOUND" clear $denied
row "throttled" "throttle 99" clear CKR_DEVICE_ERROR
row "unavailable" "fail 99 UNAVAILABLE" clear CKR_DEVICE_ERROR
row "cut off" "cut before" clear CKR_DEVICE_ERROR
row "account disabled" "account disable tester" "account enable tester" \
    CKR_DEVICE_ERROR
row "another plaintext" "lie other:plaintext" clear CKR_WRAPPED_KEY_INVALID
row "damaged on the way" "lie crc:plaintext" clear CKR_WRAPPED_KEY_INVALID
run tool --unwrap -m $WRAP --id "$kek" -i dek.wrapped --key-type AES:32 \
    --application-id 04
