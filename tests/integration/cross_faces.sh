#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A wrapped key made by the tool, by PKCS#11 or by OpenSSL opens through each
# of the others, with localkms and with AWS KMS (the double).
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"
[ "${OWNKEY_SANITIZERS:-no}" = no ] || exit 77 # plain programs cannot load it
command -v pkcs11-tool >/dev/null || exit 77
command -v openssl >/dev/null || exit 77

module=$OWNKEY_BUILDDIR/.libs/ownkey-pkcs11.so
double=$OWNKEY_SRCDIR/tests/cloud

trap '/usr/bin/python3 "$double/ctl.py" "$dir/aws" stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
/usr/bin/python3 "$double/awskms.py" --dir "$dir/aws" --detach --parent $$ \
    --key alias/kek || die "the double does not start"
. "$dir/aws/env"

ownkey localkms create "$dir/kek" >/dev/null 2>&1
umask 077
cat >ownkey.conf <<EOF
[local]
kek = localkms://$dir/kek
[cloud]
kek = awskms:///alias/kek
aws.endpoint = $(cat "$dir/aws/endpoint")
EOF
cat >openssl.cnf <<EOF
openssl_conf = init
[init]
providers = providers
[providers]
default = default_sect
ownkey = ownkey_sect
[default_sect]
activate = 1
[ownkey_sect]
module = $OWNKEY_BUILDDIR/.libs/ownkey.so
config = $dir/ownkey.conf
activate = 1
EOF
OWNKEY_CONF=$dir/ownkey.conf
export OWNKEY_CONF

pkcs11() {
    pkcs11-tool --module "$module" --token-label "$token" "$@"
}

with_openssl() {
    OPENSSL_CONF=$dir/openssl.cnf openssl pkeyutl -inkey "ownkey:$token" "$@"
}

# opens FILE: to the key, by all three. PKCS#11 shows that it has the key by
# wrapping it again, which the tool then opens.
opens() {
    expect 0 ownkey unwrap "$token" --in "$1" --out opened --force
    cmp -s key opened || die "$token: the tool opened $1 to another key"
    expect 0 with_openssl -decrypt -in "$1" -out opened
    cmp -s key opened || die "$token: openssl opened $1 to another key"
    expect 0 through_pkcs11 "$1" again
    expect 0 ownkey unwrap "$token" --in again --out opened --force
    cmp -s key opened || die "$token: PKCS#11 opened $1 to another key"
}

through_pkcs11() {
    id=$(pkcs11 -O --type secrkey 2>/dev/null | sed -n 's/^ *ID: *//p')
    pkcs11 --unwrap -m 0xCF4B0001 --id "$id" -i "$1" --key-type AES: \
        --extractable --application-id 77 --wrap -o "$2"
}

for token in local cloud; do
    head -c 32 /dev/urandom >key
    expect 0 ownkey wrap "$token" --in key --out by-tool --force
    expect 0 with_openssl -encrypt -in key -out by-openssl
    expect 0 through_pkcs11 by-tool by-pkcs11
    for maker in tool openssl pkcs11; do
        opens "by-$maker"
    done
    # Under another token it does not open.
    other=cloud
    [ "$token" = local ] || other=local
    expect 6 ownkey unwrap "$other" --in by-openssl --out stolen
    [ ! -e stolen ] || die "a file was written for a refused key"
done
