#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys in Vault through PKCS#11 and OpenSSL, with as few requests as possible.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/vault_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

vault_default_policy
vault_publics www rsa ed
{
    printf '[acme]\nkek = hashivault://kek\n'
    for key in www rsa ed; do
        vault_key acme $key "vault.key_version = 1"
    done
} >ownkey.conf
chmod 600 ownkey.conf

# Looking around asks nobody.
double reset
run tool -L
run tool -O
run tool --slot 0 --list-mechanisms
[ "$(double calls)" -eq 0 ] || die "the service was asked"

# A key of the tool's opens in PKCS#11, with one request.
run ownkey wrap acme --generate 32 --out acme.wrapped
double reset
run tool --slot 0 --unwrap -m $WRAP --id "$(id_of secrkey acme --slot 0)" \
    -i acme.wrapped --key-type AES:32 --application-id 02
[ "$(double calls)" -eq 1 ] || die "$(double calls) requests for an unwrap"

# Signatures by PKCS#11, checked by OpenSSL.
printf 'a message' >message
openssl dgst -sha256 -binary message >digest
run tool --slot 0 --sign -m ECDSA --id "$(id_of privkey www --slot 0)" \
    -i digest -o sig --signature-format openssl
run openssl pkeyutl -verify -pubin -inkey www.pub -in digest -sigfile sig
run tool --slot 0 --sign -m SHA256-RSA-PKCS-PSS \
    --salt-len 32 --id "$(id_of privkey rsa --slot 0)" \
    -i message -o sig
run openssl dgst -sha256 -verify rsa.pub -sigopt rsa_padding_mode:pss \
    -sigopt rsa_pss_saltlen:32 -signature sig message

# And by OpenSSL, from key files that name the keys.
printf 'openssl_conf = init\n[init]\nproviders = p\n[p]\ndefault = d\n' >cnf
printf 'ownkey = o\n[d]\nactivate = 1\n[o]\nmodule = %s\n' \
    "$OWNKEY_BUILDDIR/.libs/ownkey.so" >>cnf
printf 'activate = 1\nconfig = %s\n' "$OWNKEY_CONF" >>cnf
for key in www rsa ed; do
    run ownkey key pem acme/$key
    mv out $key.key
    double reset
    OPENSSL_CONF=$dir/cnf run openssl pkeyutl -sign -rawin -inkey $key.key \
        -in message -out sig
    [ "$(double calls sign)" -eq 1 ] || die "not one signature of $key"
    [ "$(double calls)" -eq 1 ] || die "more than a signature of $key"
    run openssl pkeyutl -verify -rawin -pubin -inkey $key.pub -in message \
        -sigfile sig
done

# Many keys at the same time: opened by a server of one process.
double deny decrypt
fails tool --slot 0 --unwrap -m $WRAP --id "$(id_of secrkey acme --slot 0)" \
    -i acme.wrapped --key-type AES:32 --application-id 02
has err CKR_KEY_FUNCTION_NOT_PERMITTED
