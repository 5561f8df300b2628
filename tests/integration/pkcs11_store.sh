#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys that programs make on a token and find again: pkcs11-tool and p11tool.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
localkms kek aes-256
cat >ownkey.conf <<CONF
[global]
log = file:$dir/log
[acme]
kek = localkms://$dir/kek
store = $dir/acme.db
CONF
IV=000102030405060708090a0b0c0d0e0f
echo "a message of some length, for a block or two" >msg

# Each line is a process of its own.
run tool --keygen --key-type AES:32 --label master --id 01
has out "Key generated"
has out "label:      master"
run tool -O --type secrkey
has out "Secret Key Object; AES length 32"
has out "master"
: >kek.calls
run tool --encrypt -m AES-CBC-PAD --iv $IV --id 01 -i msg -o enc
calls_are kek 1
run tool --decrypt -m AES-CBC-PAD --iv $IV --id 01 -i enc -o dec
cmp msg dec || die "another text came out"
if cmp -s msg enc; then die "nothing was encrypted"; fi

# Keys from outside.
hex=00112233445566778899aabbccddeeff
printf '\000\021\042\063\104\125\146\167\210\231\252\273\314\335\356\377' >raw
run tool --write-object raw --type secrkey --key-type AES:16 --label brought \
    --id 02 --usage-decrypt
run tool --encrypt -m AES-CBC-PAD --iv $IV --id 02 -i msg -o enc
run openssl enc -aes-128-cbc -d -K $hex -iv $IV -in enc -out dec
cmp msg dec || die "another text came out"
run p11tool --provider "$module" --login --set-pin 1 --write \
    --secret-key=$hex --label secret "pkcs11:token=acme"
run p11tool --provider "$module" --list-all "pkcs11:token=acme"
has out "brought"
has out "secret"

# A wrapped key of the command becomes one of the token.
kek=$(id_of secrkey acme)
head -c 32 /dev/urandom >dek
run ownkey wrap acme --in dek --out dek.wrapped
run tool --unwrap -m $WRAP --id "$kek" -i dek.wrapped --key-type AES:32 \
    --application-id 03 --application-label moved --extractable
run tool --encrypt -m AES-CBC-PAD --iv $IV --id 03 -i msg -o enc
run openssl enc -aes-256-cbc -d -K "$(od -An -tx1 -v dek | tr -d ' \n')" \
    -iv $IV -in enc -out dec
cmp msg dec || die "another text came out"

# Nothing of it is in the file.
run sh -c "cat acme.db acme.db-wal 2>/dev/null | od -An -tx1 -v | tr -d ' \n'"
has_not out $hex
has_not out "$(od -An -tx1 -v dek | tr -d ' \n')"
[ "$(stat -c %a acme.db)" = 600 ] || die "others may read the store"

# Key pairs: made here, verified by OpenSSL.
id=10
for k in rsa:2048:SHA256-RSA-PKCS EC:prime256v1:ECDSA-SHA256 \
    EC:secp521r1:ECDSA-SHA256; do
    id=$((id + 1))
    run tool --keypairgen --key-type "${k%:*}" --label "$k" --id $id
    run tool --read-object --type pubkey --id $id -o pub.der
    run tool --sign -m "${k##*:}" --id $id -i msg -o sig -f openssl
    run openssl dgst -sha256 -keyform DER -verify pub.der -signature sig msg
done
run tool --keypairgen --key-type EC:edwards25519 --label ed --id 20
run tool --sign -m EDDSA --id 20 -i msg -o sig
run tool --verify -m EDDSA --id 20 -i msg --signature-file sig
has out "Signature is valid"
run tool --read-object --type pubkey --id 11 -o pub.der
run openssl pkeyutl -encrypt -pubin -keyform DER -inkey pub.der -in msg -out enc2
run tool --decrypt -m RSA-PKCS --id 11 -i enc2 -o dec
cmp msg dec || die "another text came out"

# A key and certificate from elsewhere, by two programs.
run openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.pem -subj /CN=example \
    -out cert.pem -days 30
run openssl pkey -in tls.pem -outform DER -out tls.der
run openssl x509 -in cert.pem -outform DER -out cert.der
run tool --write-object tls.der --type privkey --label tls --id 77 --usage-sign
run tool --write-object cert.der --type cert --label tls --id 77
run tool --read-object --type cert --id 77 -o again.der
cmp cert.der again.der || die "another certificate"
run tool --sign -m SHA256-RSA-PKCS --id 77 -i msg -o sig
run openssl x509 -in cert.pem -pubkey -noout
cp out pub.pem
run openssl dgst -sha256 -verify pub.pem -signature sig msg
run p11tool --provider "$module" --login --set-pin 1 --generate-privkey=ecdsa \
    --curve=secp256r1 --label gnutls --outfile gnutls.pem "pkcs11:token=acme"
run p11tool --provider "$module" --login --set-pin 1 \
    --test-sign "pkcs11:token=acme;object=gnutls;type=private"
echo "some data" >data
run tool --write-object data --type data --label notes --application-label app
run tool --read-object --type data --label notes -o data.again
cmp data data.again || die "other data"
ssh-keygen -D "$module" >out 2>err || die "ssh-keygen -D"
has out "ecdsa-sha2-nistp256"
has out "ssh-rsa"

# Two agree on a secret.
run tool --keypairgen --key-type EC:prime256v1 --label alice --id 30
run tool --read-object --type pubkey --id 30 -o alice.der
run openssl ecparam -name prime256v1 -genkey -noout -out carol.pem
run openssl pkey -in carol.pem -pubout -outform DER -out carol.der
run tool --derive -m ECDH1-DERIVE --id 30 -i carol.der -o shared
run openssl pkeyutl -derive -inkey carol.pem -peerform DER -peerkey alice.der \
    -out shared2
cmp shared shared2 || die "another secret"

# Destroyed.
run tool --delete-object --type secrkey --id 02
fails tool --encrypt -m AES-CBC-PAD --iv $IV --label brought -i msg -o none

# The customer says no: listed still, used no more.
run ownkey localkms disable "$dir/kek"
run tool -O --type secrkey
has out "master"
fails tool --encrypt -m AES-CBC-PAD --iv $IV --id 01 -i msg -o none
has err "CKR_KEY_FUNCTION_NOT_PERMITTED"
fails tool --keygen --key-type AES:32 --label late
has err "CKR_KEY_FUNCTION_NOT_PERMITTED"
run ownkey localkms enable "$dir/kek"
run tool --decrypt -m AES-CBC-PAD --iv $IV --id 03 -i enc -o dec

# A store that cannot be used says why.
chmod 640 acme.db
fails tool --encrypt -m AES-CBC-PAD --iv $IV --id 01 -i msg -o none
has log "others than its owner may use $dir/acme.db (mode 0640): chmod 600 it"
chmod 600 acme.db
run tool --encrypt -m AES-CBC-PAD --iv $IV --id 01 -i msg -o enc
