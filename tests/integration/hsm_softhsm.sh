#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A KEK and remote keys in SoftHSM: the command, PKCS#11 and OpenSSL. Prints
# the pkcs11 rows of the matrix of operations.
. "${OWNKEY_SRCDIR:-.}/tests/integration/hsm_lib.sh"
command -v openssl >/dev/null || skip "needs openssl"

run hsm --keygen --key-type AES:32 --id 01 --label kek
run hsm --keygen --key-type AES:32 --id 02 --label kek2
run hsm --keygen --key-type generic:32 --id 20 --label mac --usage-sign
run hsm --keypairgen --key-type rsa:2048 --id 10 --label rsa
run hsm --keypairgen --key-type EC:prime256v1 --id 11 --label p256
run hsm --keypairgen --key-type EC:secp384r1 --id 12 --label ecdh --usage-derive
run hsm --keypairgen --key-type EC:edwards25519 --id 14 --label ed

cat >ownkey.conf <<END
[hsm]
kek = $(uri kek)
pkcs11.pin_file = $dir/pin

[kwp]
kek = $(uri kek "pin-source=file:$dir/pin")
pkcs11.mechanism = aes-kwp
cache = off
END
chmod 600 ownkey.conf
for k in rsa p256 ed ecdh mac; do
    printf '[hsm/%s]\nkey = %s\n' "$k" "$(uri $k)" >>ownkey.conf
done
for k in rsa p256 ed ecdh; do
    run ownkey key public "hsm/$k"
    mv out "$k.pem"
    sed -i "s|^\[hsm/$k\]|&\npublic_key = $dir/$k.pem|" ownkey.conf
done
sed -i -e 's|^\[hsm/mac\]|&\ntype = hmac-sha256|' \
    -e 's|^\[hsm/ecdh\]|&\nusage = derive|' ownkey.conf
printf '[rsakek]\nkek = %s\npublic_key = %s\npkcs11.pin_file = %s\n' \
    "$(uri rsa)" "$dir/rsa.pem" "$dir/pin" >>ownkey.conf
printf 'pkcs11.mechanism = rsa-oaep-sha1\ncache = off\n' >>ownkey.conf

cell() {
    printf 'pkcs11 | %-22s | %-8s | %s\n' "$1" "$2" "${3:-passed}"
}

# ---- the command ----
expect 0 ownkey check
has out "level 3"
for t in hsm kwp rsakek; do
    expect 0 ownkey wrap $t --generate 32 --out "$t.wrapped"
    expect 0 ownkey unwrap $t --in "$t.wrapped" --out "$t.key"
    [ "$(wc -c <"$t.key")" -eq 32 ] || die "$t: not 32 bytes"
done
expect 0 ownkey unwrap --inspect --in hsm.wrapped
has out "pkcs11:serial="
has out "aes-gcm"
expect 0 ownkey unwrap --inspect --in kwp.wrapped
has out "aes-kwp"
expect 0 ownkey unwrap --inspect --in rsakek.wrapped
has out "rsa-oaep-sha1"
expect 6 ownkey unwrap kwp --in hsm.wrapped
cell "wrap, unwrap (GCM)" tool
cell "wrap, unwrap (KWP)" tool
cell "wrap, unwrap (RSA)" tool
# To another KEK of the same token.
cp hsm.wrapped moved.wrapped
sed 's/object=kek?/object=kek2?/' ownkey.conf >moved.conf
chmod 600 moved.conf
expect 0 ownkey rewrap hsm --config moved.conf --in-place moved.wrapped \
    --from "$(uri kek)"
expect 6 ownkey unwrap hsm --in moved.wrapped
expect 0 ownkey unwrap hsm --config moved.conf --in moved.wrapped \
    --out moved.key
cmp hsm.key moved.key || die "another key after rewrap"
cell rewrap tool

head -c 1000 /dev/urandom >msg
expect 0 ownkey key sign hsm/rsa --hash sha256 --in msg --out sig
run openssl dgst -sha256 -verify rsa.pem -signature sig msg
cell "sign RSA PKCS#1" tool
expect 0 ownkey key sign hsm/rsa --pss --hash sha256 --in msg --out sig --force
run openssl dgst -sha256 -verify rsa.pem -signature sig \
    -sigopt rsa_padding_mode:pss msg
cell "sign RSA PSS" tool
expect 0 ownkey key sign hsm/p256 --hash sha256 --in msg --out sig --force
run openssl dgst -sha256 -verify p256.pem -signature sig msg
cell "sign EC" tool
expect 0 ownkey key sign hsm/ed --in msg --out sig --force
run openssl pkeyutl -verify -rawin -pubin -inkey ed.pem -in msg -sigfile sig
cell "sign Ed25519" tool
expect 0 ownkey key mac hsm/mac --in msg --out tag
hsm --sign -m SHA256-HMAC --id 20 -i msg -o want >/dev/null 2>&1 || die mac
cmp tag want || die "another MAC"
cell MAC tool
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out peer.key \
    2>/dev/null || die genpkey
openssl pkey -in peer.key -pubout -out peer.pem || die pkey
openssl pkeyutl -derive -inkey peer.key -peerkey ecdh.pem -out want || die derive
ownkey key derive hsm/ecdh --peer peer.pem >secret || die "key derive"
cmp secret want || die "another secret"
cell derive tool
run openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in hsm.key -out enc \
    -pkeyopt rsa_padding_mode:oaep
# The command has SHA-256 only, and SoftHSM 2.6 SHA-1 only.
if ownkey key decrypt hsm/rsa --in enc --out dec --force 2>err; then
    die "decrypted with SHA-256 what was encrypted with SHA-1"
fi
has err "in the HSM"
cell "decrypt OAEP" tool "not with SoftHSM: no SHA-256 there"

# ---- PKCS#11 ----
id=$(id_of secrkey hsm --token-label hsm)
[ -n "$id" ] || die "no KEK object"
run tool --token-label hsm --unwrap -m $WRAP --id "$id" -i hsm.wrapped \
    --key-type AES:32 --application-id 02 --extractable --wrap -o again.wrapped
expect 0 ownkey unwrap hsm --in again.wrapped --out again.key
cmp hsm.key again.key || die "another key by way of PKCS#11"
cell "wrap, unwrap (GCM)" PKCS#11
for k in rsa:RSA-PKCS p256:ECDSA; do
    id=$(id_of privkey "${k%:*}" --token-label hsm)
    openssl dgst -sha256 -binary msg >digest
    run tool --token-label hsm --sign -m SHA256-RSA-PKCS --id \
        "$(id_of privkey rsa --token-label hsm)" -i msg -o sig
done
run openssl dgst -sha256 -verify rsa.pem -signature sig msg
cell "sign RSA PKCS#1" PKCS#11
run tool --token-label hsm --sign -m ECDSA --signature-format openssl --id "$id" \
    -i digest -o sig
run openssl pkeyutl -verify -pubin -inkey p256.pem -in digest -sigfile sig
cell "sign EC" PKCS#11
run openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in hsm.key -out enc \
    -pkeyopt rsa_padding_mode:oaep
run tool --token-label hsm --decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA-1 \
    --mgf MGF1-SHA1 --id "$(id_of privkey rsa --token-label hsm)" -i enc -o dec
cmp dec hsm.key || die "OAEP decrypts to something else"
cell "decrypt OAEP" PKCS#11
id=$(id_of privkey rsa --token-label hsm)
run tool --token-label hsm --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 \
    --id "$id" -i digest -o sig
run openssl pkeyutl -verify -pubin -inkey rsa.pem -in digest -sigfile sig \
    -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss
cell "sign RSA PSS" PKCS#11
openssl pkey -in peer.key -pubout -outform DER -out peer.der || die pkey
run tool --token-label hsm --derive -m ECDH1-DERIVE \
    --id "$(id_of privkey ecdh --token-label hsm)" -i peer.der -o secret2
cmp secret secret2 || die "another secret by way of PKCS#11"
cell derive PKCS#11
id=$(id_of secrkey kwp --token-label kwp)
run tool --token-label kwp --unwrap -m $WRAP --id "$id" -i kwp.wrapped \
    --key-type AES:32 --application-id 02 --extractable --wrap -o again.wrapped
expect 0 ownkey unwrap kwp --in again.wrapped --out again.key --force
cmp kwp.key again.key || die "another key by way of PKCS#11"
cell "wrap, unwrap (KWP)" PKCS#11
run tool --token-label hsm --sign -m SHA256-HMAC \
    --id "$(id_of secrkey mac --token-label hsm)" -i msg -o tag2
cmp tag tag2 || die "another MAC by way of PKCS#11"
cell MAC PKCS#11

# ---- OpenSSL, in three orders ----
cat >tail.cnf <<END
[default_sect]
activate = 1
[ownkey_sect]
module = $OWNKEY_BUILDDIR/.libs/ownkey.so
activate = 1
config = $dir/ownkey.conf
END
for order in default-first ownkey-first ownkey-preferred; do
    {
        printf 'openssl_conf = init\n[init]\nproviders = provs\n'
        printf 'alg_section = props\n[props]\n'
        [ $order != ownkey-preferred ] ||
            echo 'default_properties = ?provider=ownkey'
        echo '[provs]'
        [ $order != default-first ] || echo 'default = default_sect'
        echo 'ownkey = ownkey_sect'
        [ $order = default-first ] || echo 'default = default_sect'
        cat tail.cnf
    } >$order.cnf
    OPENSSL_CONF=$dir/$order.cnf
    export OPENSSL_CONF
    run openssl dgst -sha256 -sign ownkey:hsm/rsa -out sig msg
    OPENSSL_CONF=/dev/null run openssl dgst -sha256 -verify rsa.pem \
        -signature sig msg
    run openssl dgst -sha256 -sign ownkey:hsm/rsa \
        -sigopt rsa_padding_mode:pss -out sig msg
    run openssl dgst -sha256 -sign ownkey:hsm/p256 -out sig msg
    OPENSSL_CONF=/dev/null run openssl dgst -sha256 -verify p256.pem \
        -signature sig msg
    run openssl pkeyutl -sign -rawin -inkey ownkey:hsm/ed -in msg -out sig
    run openssl pkeyutl -decrypt -inkey ownkey:hsm/rsa -in enc -out dec \
        -pkeyopt rsa_padding_mode:oaep
    cmp dec hsm.key || die "$order: OAEP decrypts to something else"
    run openssl pkeyutl -decrypt -inkey ownkey:hsm -in hsm.wrapped -out dec
    cmp dec hsm.key || die "$order: another key by way of OpenSSL"
    unset OPENSSL_CONF
done
for op in "wrap, unwrap (GCM)" "sign RSA PKCS#1" "sign RSA PSS" "sign EC" \
    "sign Ed25519" "decrypt OAEP"; do
    cell "$op" OpenSSL
done

# ---- modules ----
# By p11-kit's name for it.
if p11-kit list-modules 2>/dev/null | grep -q '^softhsm2:'; then
    printf '[named]\nkek = pkcs11:token=demo;object=kek?module-name=softhsm2\n' \
        >named.conf
    printf 'pkcs11.pin_file = %s/pin\n' "$dir" >>named.conf
    expect 0 ownkey wrap named --config named.conf --generate 32 --out n.wrapped
    expect 0 ownkey unwrap named --config named.conf --in n.wrapped --out n.key
fi

# Our own module, by whatever name, is no HSM.
printf '[self]\nkek = pkcs11:object=kek?module-path=%s\n' "$module" >self.conf
expect 3 env OWNKEY_CONF="$dir/self.conf" "$OWNKEY_BUILDDIR/ownkey" wrap self \
    --generate 32
has err "own PKCS#11"
cp "$module" renamed.so
printf '[self]\nkek = pkcs11:object=kek?module-path=%s/renamed.so\n' "$dir" \
    >self.conf
expect 3 env OWNKEY_CONF="$dir/self.conf" "$OWNKEY_BUILDDIR/ownkey" wrap self \
    --generate 32
has err "own PKCS#11"
