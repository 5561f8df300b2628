#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `ownkey key sign | verify | mac | decrypt | derive`: every operation of a
# remote key, checked with openssl.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF

# key NAME TYPE [SETTING...]
key() {
    name=$1
    [ -e "$name.key" ] ||
        ownkey localkms create "$name.key" --type "$2" >/dev/null 2>&1 ||
        die "create $2"
    printf '[main/%s]\nkey = localkms://%s/%s.key\n' "$name" "$dir" "$name" \
        >>o.conf
    shift 2
    for setting in "$@"; do
        echo "$setting" >>o.conf
    done
}
public() {
    ownkey key public "main/$1" >"$1.pem" || die "public $1"
    sed -i "s|^\[main/$1\]|&\npublic_key = $dir/$1.pem|" o.conf
}
for name in rsa-2048 ec-p256 ec-p384 ec-p521 ec-secp256k1 ed25519; do
    key "$name" "$name"
    public "$name"
done
for name in ecdh:ec-p256 ecdh521:ec-p521; do
    key "${name%:*}" "${name#*:}" "usage = derive"
    public "${name%:*}"
done
key mac256 hmac-sha256 "type = hmac-sha256"
key mac512 hmac-sha512 "type = hmac-sha512" "usage = mac"

expect 0 ownkey check
[ "$(grep -c 'mac  *ok' out)" -eq 2 ] || die "not two MACs"
[ "$(grep -c 'derive  *ok' out)" -eq 2 ] || die "not two secrets"
[ "$(grep -c 'sign  *ok' out)" -eq 6 ] || die "not six signatures"
expect 0 ownkey key list --json
json '[k["type"] for k in d["keys"]][-2:] == ["hmac-sha256", "hmac-sha512"]'
json 'd["keys"][-1]["usage"] == ["mac"] and "usage" not in d["keys"][0]'
json '[k["usage"] for k in d["keys"] if k["name"] == "main/ecdh"] == [["derive"]]'

head -c 100000 /dev/urandom >message

# verify_openssl KEY HASH [OPTION...]: sig over message.
verify_openssl() {
    k=$1 h=$2
    shift 2
    openssl dgst "-$h" -verify "$k.pem" -signature sig "$@" message \
        >/dev/null 2>err || die "openssl refuses $k $h $*"
}
for name in rsa-2048 ec-p256 ec-p384 ec-p521 ec-secp256k1; do
    for h in sha256 sha384 sha512; do
        expect 0 ownkey key sign "ownkey:main/$name" --hash $h --in message \
            --out sig --force
        verify_openssl "$name" $h
        expect 0 ownkey key verify "main/$name" --hash $h --in message \
            --signature sig
        has out verified
    done
done
expect 0 ownkey key sign main/ec-p384 --in message --out sig --force
verify_openssl ec-p384 sha384 # its own hash
expect 0 ownkey key sign main/rsa-2048 --pss --in message --out sig --force
verify_openssl rsa-2048 sha256 -sigopt rsa_padding_mode:pss \
    -sigopt rsa_pss_saltlen:32
expect 0 ownkey key sign main/rsa-2048 --pss --salt 11 --hash sha384 \
    --in message --out sig --force
verify_openssl rsa-2048 sha384 -sigopt rsa_padding_mode:pss \
    -sigopt rsa_pss_saltlen:11
expect 0 ownkey key verify main/rsa-2048 --pss --salt 11 --hash sha384 \
    --in message --signature sig
expect 6 ownkey key verify main/rsa-2048 --pss --hash sha384 \
    --in message --signature sig

# A digest that somebody else made.
openssl dgst -sha256 -binary message >digest
ownkey key sign main/ec-p256 --raw <digest >sig || die "--raw"
verify_openssl ec-p256 sha256
expect 2 ownkey key sign main/ec-p256 --raw --hash sha384 --in digest
expect 0 ownkey key verify main/ec-p256 --raw --in digest --signature sig
expect 6 ownkey key verify main/ec-p256 --in digest --signature sig
has err "not this key's"
expect 6 ownkey key verify main/ec-p384 --hash sha256 --in message \
    --signature sig

# Ed25519 signs the message.
head -c 1000 message >short
ownkey key sign main/ed25519 --in short >sig || die ed25519
openssl pkeyutl -verify -pubin -inkey ed25519.pem -rawin -in short \
    -sigfile sig >/dev/null 2>&1 || die "openssl refuses ed25519"
expect 2 ownkey key sign main/ed25519 --hash sha256 --in short

# JSON and base64.
ownkey key sign main/ec-p256 --base64 <message | base64 -d >sig || die base64
verify_openssl ec-p256 sha256
expect 0 ownkey key sign main/ec-p256 --json --in message
json 'len(d["signature"]) > 80 and d["key"] == "main/ec-p256"'

# MAC: what HMAC with the key's bytes gives.
hmac() {
    python3 - "$1" "$2" <<'PY'
import base64, hmac, json, sys
k = base64.b64decode(json.load(open(sys.argv[1] + ".key"))["versions"][0]["key"])
m = hmac.new(k, open("short", "rb").read(), sys.argv[2]).digest()
open("want", "wb").write(m)
PY
}
hmac mac256 sha256
ownkey key mac main/mac256 <short | cmp -s - want || die "mac256"
hmac mac512 sha512
expect 0 ownkey key mac main/mac512 --in short --out mac
cmp -s mac want || die mac512
expect 0 ownkey key verify main/mac512 --in short --signature mac
expect 6 ownkey key verify main/mac256 --in short --signature mac
expect 2 ownkey key mac main/mac256 --in message # 100000 bytes
has err "longer than 65536 bytes"
expect 1 ownkey key mac main/ec-p256 --in short
has err "cannot make a MAC"
expect 1 ownkey key sign main/mac256 --in short

# Decrypt.
printf 'hidden' >plain
openssl pkeyutl -encrypt -pubin -inkey rsa-2048.pem -in plain -out ct \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 || die encrypt
ownkey key decrypt main/rsa-2048 <ct | cmp -s - plain || die decrypt
expect 6 ownkey key decrypt main/rsa-2048 --oaep-hash sha1 --in ct
openssl pkeyutl -encrypt -pubin -inkey rsa-2048.pem -in plain -out ct1 \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 || die encrypt
expect 0 ownkey key decrypt main/rsa-2048 --oaep-hash sha1 --in ct1 --out p1
cmp -s p1 plain || die "--oaep-hash sha1"
openssl pkeyutl -encrypt -pubin -inkey rsa-2048.pem -in plain -out ct2 ||
    die encrypt
expect 0 ownkey key decrypt main/rsa-2048 --pkcs1 --in ct2 --out p2 --json
cmp -s p2 plain || die "--pkcs1"
has_not out hidden
expect 2 ownkey key decrypt main/rsa-2048 --in ct --json

# Derive: both sides have the same secret.
for name in ecdh:P-256 ecdh521:P-521; do
    k=${name%:*}
    openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${name#*:}" \
        -out peer.key 2>/dev/null || die genpkey
    openssl pkey -in peer.key -pubout -out peer.pem
    openssl pkey -in peer.key -pubout -outform DER -out peer.der
    openssl pkeyutl -derive -inkey peer.key -peerkey "$k.pem" -out want ||
        die "openssl derives nothing"
    ownkey key derive "main/$k" --peer peer.pem | cmp -s - want ||
        die "$k: another secret"
    expect 0 ownkey key derive "main/$k" --peer peer.der --out secret --force
    cmp -s secret want || die "$k: another secret from DER"
done
expect 2 ownkey key derive main/ecdh --peer peer.pem # P-521
has err "not on the curve"
expect 2 ownkey key derive main/ecdh --peer digest
expect 2 ownkey key derive main/ecdh
expect 1 ownkey key derive main/ec-p256 --peer ecdh.pem
has err "usage = derive"

# Refusals, and the section that fits.
expect 0 ownkey localkms disable mac256.key
expect 4 ownkey key mac main/mac256 --in short
expect 4 ownkey check
has out "ownkey localkms enable $dir/mac256.key"
expect 0 ownkey localkms enable mac256.key
sed -i 's/^type = hmac-sha256/type = hmac-sha384/' o.conf
expect 3 ownkey key mac main/mac256 --in short
expect 3 ownkey check
has out "the key is of type hmac-sha256, and the configuration says hmac-sha384"
sed -i '/^type = hmac-sha384/d' o.conf
expect 3 ownkey check
has out "add to this section: type = hmac-sha256"

expect 2 ownkey key sign main/ec-p256 --peer x --in short
has err "--peer is not for sign"
expect 2 ownkey key list --raw
expect 2 ownkey key sign main/ec-p256 --hash md5 --in short
expect 2 ownkey key sign main/rsa-2048 --pss --salt x --in short
expect 2 ownkey key sign main/rsa-2048 --salt 3 --in short
expect 2 ownkey key sign main/ec-p256 --pss --in short
expect 2 ownkey key verify main/ec-p256 --in short
expect 2 ownkey key sign main --in short
expect 1 ownkey key sign main/ec-p256 --in missing
expect 1 ownkey key sign main/ec-p256 --in message --out sig
has err "exists and is left"
