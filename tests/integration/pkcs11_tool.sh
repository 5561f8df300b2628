#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkcs11-tool on localkms tokens: list, test, make, wrap, unwrap, sign, decrypt.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
localkms_conf

# Nothing here asks a KMS.
run tool -I
run tool -L
has out "token label        : demo"
has out "token manufacturer : ownkey"
run tool -M
has out "ECDSA-SHA384"
has out "mechtype-$WRAP"
run tool -O
[ "$(grep -c '^P.* Key Object' out)" -eq 8 ] || die "not four key pairs"
has out "Secret Key Object; AES length 32"
# It asks for the value of every secret key.
[ "$(grep -c failed err)" -eq 1 ] || die "more than one attribute is missing"
has err "C_GetAttributeValue(VALUE) failed: rv = CKR_ATTRIBUTE_SENSITIVE"
for k in kek rsakek rsa p256 p384 ed; do
    calls_are "$k" 0
done

# Its own tests.
run tool --test
has out "No errors"
run tool --login --pin 1 --test --session-rw
has out "all 4 signature functions seem to work"
has out "No errors"
run tool --slot 1 --login --pin 1 --test --session-rw
has out "No errors"
run tool --test-fork
for threads in ILGISLT0 INILGISLT0; do
    run tool --test-threads "$threads" --test-threads "$threads" -L
    has_not out "returned CKR_G"
done

# A token object needs a store; a session key does not.
fails tool --keygen --key-type AES:32 --label k
has err "CKR_TOKEN_WRITE_PROTECTED"
run tool --keygen -m $SESSION_KEY_GEN --key-type AES:32 --label k --id 01
has out "Key generated"

# A wrapped key of the command opens here, and the other way round.
kek=$(id_of secrkey demo)
[ -n "$kek" ] || die "no KEK"
head -c 32 /dev/urandom >dek
ownkey wrap demo --in dek --out dek.wrapped || die "ownkey wrap"
: >kek.calls
run tool --unwrap -m $WRAP --id "$kek" -i dek.wrapped --key-type AES:32 \
    --application-id 02 --application-label dek --extractable \
    --wrap -o again.wrapped
has out "Key unwrapped"
has out "Key wrapped"
calls_are kek 2
ownkey unwrap demo --in again.wrapped --out dek.again || die "ownkey unwrap"
cmp dek dek.again || die "another key came out"
printf 'x' >>dek.wrapped
fails tool --unwrap -m $WRAP --id "$kek" -i dek.wrapped --key-type AES:32
has err "CKR_WRAPPED_KEY_INVALID"

# An RSA KEK is plain OAEP: OpenSSL alone makes such a wrapped key.
rsakek=$(id_of pubkey rsakek --slot 1)
run openssl pkeyutl -encrypt -pubin -inkey rsakek.pem -in dek -out dek.oaep \
    -pkeyopt rsa_padding_mode:oaep
: >rsakek.calls
run tool --slot 1 --unwrap -m RSA-PKCS-OAEP --id "$rsakek" -i dek.oaep \
    --key-type AES:32 --application-id 03 --extractable \
    --wrap -o again.oaep
calls_are rsakek 1
run tool --slot 1 --decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA-1 \
    --id "$rsakek" -i again.oaep -o dek.again
cmp dek dek.again || die "another key came out"

# Signatures, verified by OpenSSL; one call each.
echo "a message" >msg
for k in rsa:SHA256-RSA-PKCS:sha256 p256:ECDSA-SHA256:sha256 \
    p384:ECDSA-SHA384:sha384; do
    key=${k%%:*}
    mech=${k#*:}
    : >"$key.calls"
    run tool --sign -m "${mech%:*}" --id "$(id_of privkey "$key")" -i msg \
        -o sig -f openssl
    run openssl dgst "-${mech#*:}" -verify "$key.pem" -signature sig msg
    calls_are "$key" 1
done
: >rsa.calls
run tool --sign -m SHA384-RSA-PKCS-PSS --id "$(id_of privkey rsa)" -i msg \
    -o sig
run openssl dgst -sha384 -verify rsa.pem -sigopt rsa_padding_mode:pss \
    -signature sig msg
calls_are rsa 1
run tool --sign -m EDDSA --id "$(id_of privkey ed)" -i msg -o sig
run openssl pkeyutl -verify -rawin -pubin -inkey ed.pem -sigfile sig -in msg

# Decryption.
run openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in msg -out enc
: >rsa.calls
run tool --decrypt -m RSA-PKCS --id "$(id_of privkey rsa)" -i enc -o dec
cmp msg dec || die "another text came out"
calls_are rsa 1

# Taken away.
run ownkey localkms disable "$dir/rsa"
fails tool --sign -m SHA256-RSA-PKCS --id "$(id_of privkey rsa)" -i msg -o sig
has err "CKR_KEY_FUNCTION_NOT_PERMITTED"
run ownkey localkms enable "$dir/rsa"
run tool --sign -m SHA256-RSA-PKCS --id "$(id_of privkey rsa)" -i msg -o sig
