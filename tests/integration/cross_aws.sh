#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# MACs, key agreement, secp256k1 and rewrap with the AWS KMS double, each by
# the command, by PKCS#11 and by OpenSSL: the same results.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
command -v openssl >/dev/null || skip "needs openssl"
python=/usr/bin/python3
"$python" -c 'import cryptography' 2>/dev/null ||
    skip "needs python3-cryptography"

ctl() {
    "$python" "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$dir/kms" "$@"
}
run "$python" "$OWNKEY_SRCDIR/tests/cloud/awskms.py" --dir "$dir/kms" \
    --detach --parent $$ --key alias/kek --key alias/next \
    --key alias/rsakek=RSA_2048:ENCRYPT_DECRYPT \
    --key alias/mac=HMAC_256 --key alias/mac512=HMAC_512 \
    --key alias/ecdh=ECC_NIST_P256:KEY_AGREEMENT \
    --key alias/k256=ECC_SECG_P256K1
trap 'ctl stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
. "$dir/kms/env"
export AWS_EC2_METADATA_DISABLED=true
{
    printf '[acme]\nkek = awskms:///alias/kek\ncontext.tenant = acme\n'
    printf '[acme/mac]\nkey = awskms:///alias/mac\ntype = hmac-sha256\n'
    printf '[acme/mac512]\nkey = awskms:///alias/mac512\ntype = hmac-sha512\n'
    for k in ecdh k256; do
        ctl public-key "alias/$k" >"$k.pem" || die "public-key $k"
        printf '[acme/%s]\nkey = awskms:///alias/%s\npublic_key = %s/%s.pem\n' \
            "$k" "$k" "$dir" "$k"
        [ $k = k256 ] || echo 'usage = derive'
    done
} >ownkey.conf
chmod 600 ownkey.conf
cat >openssl.cnf <<CNF
openssl_conf = init
[init]
providers = provs
[provs]
default = default_sect
ownkey = ownkey_sect
[default_sect]
activate = 1
[ownkey_sect]
module = $OWNKEY_BUILDDIR/.libs/ownkey.so
activate = 1
CNF
ossl() {
    OPENSSL_CONF=$dir/openssl.cnf openssl "$@"
}

run ownkey check
[ "$(grep -c 'mac  *ok' out)" -eq 2 ] || die "not two MACs"
has out "the same secret here"
head -c 1000 /dev/urandom >msg

# MAC: three faces, one result, one call each.
ctl reset >/dev/null
run ownkey key mac acme/mac --in msg --out tag1
run ossl dgst -sha256 -sign ownkey:acme/mac -out tag2 msg
run tool --sign -m SHA256-HMAC --id "$(id_of secrkey mac)" -i msg -o tag3
[ "$(ctl calls)" -eq 3 ] || die "$(ctl calls) calls for three MACs"
cmp tag1 tag2 && cmp tag1 tag3 || die "three MACs are not one"
[ "$(wc -c <tag1)" -eq 32 ] || die "not 32 bytes"
run ownkey key verify acme/mac --in msg --signature tag3
run ossl dgst -sha256 -prverify ownkey:acme/mac -signature tag1 msg
run ownkey key mac acme/mac512 --in msg --out tag4
[ "$(wc -c <tag4)" -eq 64 ] || die "not 64 bytes"
# AWS KMS takes 4096 bytes; its limit is said.
head -c 4097 /dev/zero >big
fails ownkey key mac acme/mac --in big
has err 4096
fails tool --sign -m SHA256-HMAC --id "$(id_of secrkey mac)" -i big -o tag5
has err CKR_DATA_LEN_RANGE

# Both sides agree.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out peer.key \
    2>/dev/null || die genpkey
openssl pkey -in peer.key -pubout -out peer.pem || die pkey
openssl pkey -in peer.key -pubout -outform DER -out peer.der || die pkey
run openssl pkeyutl -derive -inkey peer.key -peerkey ecdh.pem -out want
ctl reset >/dev/null
run ownkey key derive acme/ecdh --peer peer.pem --out s1
run ossl pkeyutl -derive -inkey ownkey:acme/ecdh -peerkey peer.pem -out s2
run tool --derive -m ECDH1-DERIVE --id "$(id_of privkey ecdh)" -i peer.der -o s3
[ "$(ctl calls)" -eq 3 ] || die "$(ctl calls) calls for three secrets"
cmp s1 want && cmp s2 want && cmp s3 want || die "another secret"

# secp256k1.
run ownkey key sign acme/k256 --in msg --out g1
run ossl dgst -sha256 -sign ownkey:acme/k256 -out g2 msg
run tool --sign -m ECDSA-SHA256 -f openssl --id "$(id_of privkey k256)" -i msg \
    -o g3
for g in g1 g2 g3; do
    run openssl dgst -sha256 -verify k256.pem -signature $g msg
done

# To another KEK, without a permission to decrypt.
head -c 32 /dev/urandom >dek
run ownkey wrap acme --in dek --out old
sed -i 's|alias/kek|alias/next|' ownkey.conf
fails ownkey unwrap acme --in old
ctl deny Decrypt
ctl deny Encrypt
ctl reset >/dev/null
cp old moved
run ownkey rewrap acme --in-place --no-plaintext --from awskms:///alias/kek moved
has out "1 rewrapped"
[ "$(ctl calls)" -eq 2 ] || die "not one describe and one ReEncrypt"
ctl allow
ownkey unwrap acme --in moved | cmp - dek || die "another key arrived"
ctl deny ReEncrypt --key alias/kek
cp old moved
fails ownkey rewrap acme --in-place --from awskms:///alias/kek moved
has err "kms:ReEncryptFrom"
cmp old moved || die "a refused rewrap changed the file"
ctl allow
ctl deny DescribeKey
run ownkey rewrap acme --in-place --from awskms:///alias/kek moved
ctl allow
ownkey unwrap acme --in moved | cmp - dek || die "another key arrived"

# Denied in every face.
ctl deny GenerateMac
ownkey key mac acme/mac --in msg >out 2>err
[ $? -eq 4 ] || die "not denied"
fails tool --sign -m SHA256-HMAC --id "$(id_of secrkey mac)" -i msg -o x
has err CKR_KEY_FUNCTION_NOT_PERMITTED
fails ossl dgst -sha256 -sign ownkey:acme/mac -out x msg
has err "access denied by the KMS"
fails ownkey check
has out "allow kms:GenerateMac"
ctl allow
ctl deny DeriveSharedSecret
fails ossl pkeyutl -derive -inkey ownkey:acme/ecdh -peerkey peer.pem -out x
has err "access denied by the KMS"
fails ownkey check
has out "allow kms:DeriveSharedSecret"
