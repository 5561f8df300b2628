#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The openssl command with keys in a KMS: by URI and by key file, in three
# provider orders; each with the KMS calls it may make.
set -eu
. "$OWNKEY_SRCDIR/tests/integration/provider_lib.sh"

make_key kek aes-256
make_key rsa rsa-2048
make_key ec ec-p256
make_key ec384 ec-p384
make_key ed ed25519
{
    printf '[acme]\nkek = localkms://%s/kek.key\ncontext.tenant = acme\n' "$dir"
    for k in rsa ec ec384 ed; do section $k; done
} >ownkey.conf
make_cnfs "$dir/ownkey.conf"
echo 'a message' >msg
plain rand -out dek 32
plain req -new -x509 -newkey rsa:2048 -noenc -keyout file.key -out file.crt \
    -subj /CN=file -days 30 2>/dev/null

keys() {
    for k in rsa ec ec384 ed; do
        called 0 openssl pkey -in "ownkey:acme/$k" -out "$k.pem"
        grep -q 'BEGIN OWNKEY KEY URI' "$k.pem" || fail "$k.pem is no key file"
        for in in "ownkey:acme/$k" "$k.pem"; do
            called 0 openssl pkey -in "$in" -pubout -out "$k.pub"
            ok plain pkey -pubin -in "$k.pub" -noout
            called 0 openssl pkey -in "$in" -text -noout
            grep -q "private key: in the customer's KMS, ownkey:acme/$k" out ||
                fail "$order: -text of $in"
            called 0 openssl pkey -in "$in" -check -noout
            # The same in DER.
            called 0 openssl pkey -in "$in" -outform DER -out "$k.der"
            called 0 openssl pkey -inform DER -in "$k.der" -noout
            called 0 openssl storeutl -noout "$in"
            grep -q 'Total found: 1' out || fail "$order: storeutl $in"
        done
    done
}

certificates() {
    for k in rsa ec ec384 ed; do
        called 1 openssl req -new -x509 -key "ownkey:acme/$k" -subj "/CN=$k" \
            -days 30 -out "$k.crt" -addext keyUsage=keyCertSign,digitalSignature
        ok plain verify -CAfile "$k.crt" "$k.crt"
        # A request, signed by this key as the CA.
        called 1 openssl req -new -key "$k.pem" -subj /CN=leaf -out leaf.csr
        called 1 openssl x509 -req -in leaf.csr -CA "$k.crt" -CAkey "$k.pem" \
            -CAcreateserial -days 30 -out leaf.crt
        called 0 openssl verify -CAfile "$k.crt" leaf.crt
        ok plain verify -CAfile "$k.crt" leaf.crt
        # An ordinary key's request.
        ok openssl req -new -key file.key -subj /CN=other -out other.csr
        called 1 openssl x509 -req -in other.csr -CA "$k.crt" \
            -CAkey "ownkey:acme/$k" -CAcreateserial -days 30 -out other.crt
        ok plain verify -CAfile "$k.crt" other.crt
    done
    # Certificate before and behind the key in one file.
    cat rsa.crt rsa.pem >both.pem
    called 0 openssl pkey -in both.pem -pubout -out both.pub
    cmp -s both.pub rsa.pub || fail "$order: key behind a certificate"
    cat rsa.pem rsa.crt >both.pem
    called 0 openssl pkey -in both.pem -pubout -out both.pub
    called 0 openssl x509 -in both.pem -noout
    cmp -s both.pub rsa.pub || fail "$order: key before a certificate"
}

# sign_verify KEY DGST-OPTIONS...
sign_verify() {
    key=$1
    shift
    called 1 openssl dgst "$@" -sign "ownkey:acme/$key" -out sig msg
    ok plain dgst "$@" -verify "$key.pub" -signature sig msg
    called 1 openssl dgst "$@" -sign "$key.pem" -out sig msg
    ok plain dgst "$@" -verify "$key.pub" -signature sig msg
    called 0 openssl dgst "$@" -verify "$key.pub" -signature sig msg
    called 0 openssl dgst "$@" -prverify "$key.pem" -signature sig msg
    no 'Verification failure' openssl dgst "$@" -prverify "$key.pem" \
        -signature sig ownkey.conf
}

signatures() {
    for h in sha1 sha224 sha256 sha384 sha512; do
        sign_verify rsa -$h
        sign_verify rsa -$h -sigopt rsa_padding_mode:pss
        sign_verify rsa -$h -sigopt rsa_padding_mode:pss \
            -sigopt rsa_pss_saltlen:digest
        sign_verify ec -$h
        sign_verify ec384 -$h
        plain dgst -$h -binary -out digest msg
        for k in rsa ec; do
            called 1 openssl pkeyutl -sign -inkey $k.pem -in digest -out sig \
                -pkeyopt digest:$h
            ok plain pkeyutl -verify -pubin -inkey $k.pub -in digest \
                -sigfile sig -pkeyopt digest:$h
        done
    done
    called 1 openssl pkeyutl -sign -rawin -inkey ownkey:acme/ed -in msg -out sig
    ok plain pkeyutl -verify -rawin -pubin -inkey ed.pub -in msg -sigfile sig
    called 0 openssl pkeyutl -verify -rawin -inkey ed.pem -in msg -sigfile sig
    no '' openssl dgst -md5 -sign ownkey:acme/rsa -out sig msg
    no 'which hash' openssl pkeyutl -sign -inkey rsa.pem -in dek -out sig
}

decryption() {
    ok plain pkeyutl -encrypt -pubin -inkey rsa.pub -in dek -out enc
    called 1 openssl pkeyutl -decrypt -inkey rsa.pem -in enc -out dec
    cmp -s dek dec || fail "$order: PKCS#1"
    for h in sha1 sha256 sha512; do
        o="-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:$h"
        ok plain pkeyutl -encrypt -pubin -inkey rsa.pub -in dek -out enc $o
        called 1 openssl pkeyutl -decrypt -inkey ownkey:acme/rsa -in enc \
            -out dec $o
        cmp -s dek dec || fail "$order: OAEP $h"
        called 0 openssl pkeyutl -encrypt -inkey rsa.pem -in dek -out enc $o
        called 1 openssl pkeyutl -decrypt -inkey rsa.pem -in enc -out dec $o
        cmp -s dek dec || fail "$order: OAEP $h, encrypted with the key file"
    done
    no '' openssl pkeyutl -decrypt -inkey rsa.pem -in enc -out dec \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha384
}

kek() {
    called 0 openssl pkey -in ownkey:acme -out kek.pem
    for in in ownkey:acme kek.pem; do
        called 1 openssl pkeyutl -encrypt -inkey $in -in dek -out wrapped
        called 1 openssl pkeyutl -decrypt -inkey $in -in wrapped -out dec
        cmp -s dek dec || fail "$order: KEK"
        called 1 openssl pkeyutl -encrypt -inkey $in -in dek -out wrapped \
            -pkeyopt context:purpose=disk -pkeyopt context:host=a
        called 1 openssl pkeyutl -decrypt -inkey $in -in wrapped -out dec \
            -pkeyopt context:host=a -pkeyopt context:purpose=disk
        cmp -s dek dec || fail "$order: KEK with context"
        no 'another token, purpose or context' openssl pkeyutl -decrypt \
            -inkey $in -in wrapped -out dec -pkeyopt context:purpose=disk
        no 'another token, purpose or context' openssl pkeyutl -decrypt \
            -inkey $in -in wrapped -out dec
    done
    # Through the other faces' door and back.
    "$helper" unwrap ownkey.conf ownkey:acme 'host=a
purpose=disk' <wrapped >dec || fail "$order: unwrap through token/"
    cmp -s dek dec || fail "$order: unwrap through token/"
    "$helper" wrap ownkey.conf ownkey:acme x=y <dek >wrapped
    ok openssl pkeyutl -decrypt -inkey ownkey:acme -in wrapped -out dec \
        -pkeyopt context:x=y
    cmp -s dek dec || fail "$order: wrapped through token/"
    plain rand -out noise 8000
    no 'not' openssl pkeyutl -decrypt -inkey ownkey:acme -in noise -out dec
}

cms() {
    for k in rsa ec; do
        for in in "ownkey:acme/$k" "$k.pem"; do
            called 1 openssl cms -sign -nodetach -binary -signer $k.crt \
                -inkey "$in" -in msg -outform PEM -out cms.pem
            ok plain cms -verify -CAfile $k.crt -purpose any -inform PEM \
                -in cms.pem -out dec -binary
            cmp -s msg dec || fail "$order: cms -sign $in"
            called 0 openssl cms -verify -CAfile $k.crt -purpose any \
                -inform PEM -in cms.pem -out dec
        done
    done
    called 1 openssl cms -sign -nodetach -binary -signer rsa.crt \
        -inkey rsa.pem -keyopt rsa_padding_mode:pss -in msg -outform PEM \
        -out cms.pem
    ok plain cms -verify -CAfile rsa.crt -purpose any -inform PEM -in cms.pem \
        -out dec -binary
    ok plain cms -cmsout -print -inform PEM -in cms.pem
    grep -q rsassaPss out || fail "$order: cms -sign with PSS"
    for o in '' '-keyopt rsa_padding_mode:oaep' \
        '-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256'; do
        ok plain cms -encrypt -binary -aes256 -in msg -outform PEM \
            -out cms.pem -recip rsa.crt $o
        for in in ownkey:acme/rsa rsa.pem; do
            called 1 openssl cms -decrypt -inkey $in -recip rsa.crt \
                -inform PEM -in cms.pem -out dec -binary
            cmp -s msg dec || fail "$order: cms -decrypt $in $o"
        done
    done
}

# Everybody's keys, as if we were not there.
others() {
    ok openssl genpkey -algorithm EC -pkeyopt group:P-256 -out gen.key
    ok openssl pkey -in gen.key -pubout -out gen.pub
    ok openssl dgst -sha256 -sign gen.key -out sig msg
    ok openssl dgst -sha256 -verify gen.pub -signature sig msg
    ok openssl genrsa -out gen.rsa 2048
    ok openssl pkey -in gen.rsa -text -noout
    ok openssl req -new -x509 -key gen.rsa -subj /CN=x -days 3 -out gen.crt
    ok openssl verify -CAfile gen.crt gen.crt
    ok openssl pkcs12 -export -in file.crt -inkey file.key -passout pass:x \
        -out p12
    ok openssl pkcs12 -in p12 -passin pass:x -noenc
    grep -q 'BEGIN PRIVATE KEY' out || fail "$order: pkcs12"
}

errors() {
    no 'no token "nobody"' openssl pkey -in ownkey:nobody -noout
    no 'no.*nothing' openssl pkey -in ownkey:acme/nothing -noout
    printf '%s\n%s\n%s\n' '-----BEGIN OWNKEY KEY URI-----' AAAA \
        '-----END OWNKEY KEY URI-----' >bad.pem
    no 'key pem' openssl pkey -in bad.pem -noout
}

for o in $orders; do
    use_order "$o"
    before=$(calls)
    others
    [ "$(calls)" -eq "$before" ] || fail "$order: others' keys made KMS calls"
    keys
    certificates
    signatures
    decryption
    kek
    cms
    errors
    others
done

# The same RSA key, its public part bound to PSS (RFC 4055).
/usr/bin/python3 - "$dir" <<'EOF'
import sys
spki = open(sys.argv[1] + "/rsa.spki", "rb").read()
rsa = bytes.fromhex("300d06092a864886f70d0101010500")
body = bytes.fromhex("300b06092a864886f70d01010a") + \
    spki[spki.index(rsa) + len(rsa):]
open(sys.argv[1] + "/pss.spki", "wb").write(
    b"\x30\x82" + len(body).to_bytes(2, "big") + body)
EOF
printf '[acme/pss]\nkey = localkms://%s/rsa.key\npublic_key = %s/pss.spki\n' \
    "$dir" "$dir" >>ownkey.conf
for o in $orders; do
    use_order "$o"
    called 0 openssl pkey -in ownkey:acme/pss -out pss.pem
    called 0 openssl pkey -in pss.pem -pubout -out pss.pub
    called 1 openssl req -new -x509 -key pss.pem -subj /CN=pss -days 30 \
        -out pss.crt
    ok plain verify -CAfile pss.crt pss.crt
    called 1 openssl dgst -sha384 -sign pss.pem -out sig msg
    ok plain dgst -sha384 -verify pss.pub -signature sig msg
    no 'PSS alone' openssl dgst -sha384 -sign pss.pem -out sig \
        -sigopt rsa_padding_mode:pkcs1 msg
    no 'signatures alone' openssl pkeyutl -decrypt -inkey pss.pem -in sig
done

# A key bound to one hash and a salt refuses others before it asks.
plain genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 \
    -pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 \
    -pkeyopt rsa_pss_keygen_saltlen:48 -out bound.key 2>/dev/null
plain pkey -in bound.key -pubout -out bound.pub
printf '[acme/bound]\nkey = localkms://%s/rsa.key\npublic_key = %s/bound.pub\n' \
    "$dir" "$dir" >>ownkey.conf
before=$(calls)
no 'cannot sign' openssl dgst -sha256 -sign ownkey:acme/bound -out sig msg
no 'cannot sign' openssl dgst -sha384 -sign ownkey:acme/bound -out sig \
    -sigopt rsa_pss_saltlen:32 msg
[ "$(calls)" -eq "$before" ] || fail 'a bound key was asked all the same'

# A public key that is another key's: no signature leaves.
for k in rsa ec ed; do
    case $k in
    ec) plain genpkey -algorithm EC -pkeyopt group:P-256 -out other.pem ;;
    ed) plain genpkey -algorithm ED25519 -out other.pem ;;
    rsa) plain genrsa -out other.pem 2048 2>/dev/null ;;
    esac
    plain pkey -in other.pem -pubout -out other.pub
    printf '[acme]\nkek = localkms://%s/kek.key\n[acme/other]\nkey = localkms://%s/%s.key\npublic_key = %s/other.pub\n' \
        "$dir" "$dir" "$k" "$dir" >other.conf
    sed "s,^config = .*,config = $dir/other.conf," default-first.cnf >other.cnf
    OPENSSL_CONF=$dir/other.cnf
    no 'does not fit' openssl req -new -key ownkey:acme/other -subj /CN=x
done

# A configured certificate is in the store beside the key.
{
    printf '[acme]\nkek = localkms://%s/kek.key\n' "$dir"
    printf '[acme/rsa]\nkey = localkms://%s/rsa.key\ncertificate = %s/rsa.crt\n' \
        "$dir" "$dir"
} >ownkey.conf
use_order default-first
called 0 openssl storeutl ownkey:acme/rsa
grep -q 'Total found: 2' out || fail 'storeutl: certificate and key'
called 0 openssl storeutl -certs ownkey:acme/rsa
grep -q 'BEGIN CERTIFICATE' out || fail 'storeutl -certs'
called 0 openssl x509 -in ownkey:acme/rsa -noout -subject
called 0 openssl storeutl -keys ownkey:acme/rsa
grep -q 'Total found: 1' out || fail 'storeutl -keys'

# Loading costs a process that has nothing to do with us nothing.
OPENSSL_CONF=$dir/default-first.cnf
printf 'not a configuration\n' >ownkey.conf
ok openssl rand -hex 4
[ ! -s err ] || fail 'the provider said something'
no 'ownkey.conf:1' openssl pkey -in ownkey:acme -noout
echo PASS
