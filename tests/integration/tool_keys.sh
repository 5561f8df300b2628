#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Remote keys: list, public parts, key files, and what check makes of them.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
for type in rsa-2048 ec-p256 ec-p384 ec-p521 ec-secp256k1 ed25519; do
    expect 0 ownkey localkms create "$type.key" --type "$type"
    has out "localkms://$dir/$type.key"
    has err "Level 0"
    printf '[main/%s]\nkey = localkms://%s/%s.key\n' "$type" "$dir" "$type" \
        >>o.conf
done
expect 1 ownkey localkms create ed25519.key --type ed25519
has err "left as it is"
expect 0 ownkey localkms show ed25519.key --json
json 'd["type"] == "ed25519" and d["enabled"] and d["level"] == 0'

# Without public parts: what to type, and what to add.
expect 3 ownkey check
has out "ownkey key public main/ec-p256 > $dir/main-ec-p256.pub.pem"
has out "public_key = $dir/main-ec-p256.pub.pem"
expect 3 ownkey check --json
json 'any("public_key = " in s.get("hint", "") for k in d["tokens"][0]["keys"] for s in k["steps"])'

for type in rsa-2048 ec-p256 ec-p384 ec-p521 ec-secp256k1 ed25519; do
    expect 0 ownkey key public "main/$type"
    cp out "$type.pem"
    openssl pkey -pubin -in "$type.pem" -noout || die "no public key"
    sed -i "s|^\[main/$type\]|&\npublic_key = $dir/$type.pem|" o.conf
done
expect 0 ownkey check
[ "$(grep -c 'sign  *ok' out)" -eq 6 ] || die "not six keys signed"
expect 0 ownkey check main --json
json 'd["ok"] and len(d["tokens"][0]["keys"]) == 6'
json 'all(s["ok"] for k in d["tokens"][0]["keys"] for s in k["steps"])'

expect 0 ownkey key list
has out "main/rsa-2048"
expect 0 ownkey key list main --json
json 'len(d["keys"]) == 7 and d["keys"][0]["kek"] and d["keys"][1]["type"] == "rsa-2048"'
expect 0 ownkey key pem main/ec-p256
has out "-----BEGIN OWNKEY KEY URI-----"
expect 0 ownkey key pem main/ec-p256 --json
json 'd["key_file"].endswith("-----END OWNKEY KEY URI-----\n")'
expect 2 ownkey key pem main
expect 2 ownkey key pem main/nosuch
has err "there is: rsa-2048"
expect 2 ownkey check main/ec-p256

# A public key of another key.
cp ec-p256.pem ec-p256.good
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null |
    openssl pkey -pubout >ec-p256.pem || die genpkey
expect 3 ownkey check
has out "of another key; \`ownkey key public main/ec-p256\`"
cp ec-p256.good ec-p256.pem

# The configuration may name the file before it is written, over itself too.
: >ec-p256.pem
expect 3 ownkey check
has out "to do:  ownkey key public main/ec-p256 > FILE"
expect 0 ownkey key public main/ec-p256
cmp -s out ec-p256.good || die "another public key"
rm ec-p256.pem
ownkey key public main/ec-p256 >ec-p256.pem || die "key public > its file"
cmp -s ec-p256.pem ec-p256.good || die "another public key"
expect 0 ownkey check

# A key that is disabled, and one that is gone.
expect 0 ownkey localkms disable ed25519.key
expect 4 ownkey check
has out "to do:  ownkey localkms enable $dir/ed25519.key"
expect 0 ownkey localkms enable ed25519.key
rm ed25519.key
expect 4 ownkey check

# Keys in the wrong place: what they are is said, and no way round it.
printf '[ec]\nkek = localkms://%s/ec-p256.key\n' "$dir" >wrong.conf
expect 3 ownkey --config wrong.conf check
has out "a KEK is symmetric or RSA, and this key is ec-p256"
has_not out "key public"
printf '[main]\nkek = localkms://%s/main.key\n[main/aes]\nkey = localkms://%s/main.key\n' \
    "$dir" "$dir" >wrong.conf
expect 3 ownkey --config wrong.conf check
has out "an aes-256 key neither signs nor decrypts"
has_not out "key public"

# An RSA key as a KEK.
printf '[rsa]\nkek = localkms://%s/rsa-2048.key\n' "$dir" >rsa.conf
OWNKEY_CONF=$dir/rsa.conf
expect 3 ownkey check
has out "ownkey key public rsa > FILE"
printf 'public_key = %s/rsa.pem\n' "$dir" >>rsa.conf
ownkey key public rsa >rsa.pem || die "key public of a KEK"
cmp -s rsa.pem rsa-2048.pem || die "another public key"
expect 0 ownkey check
has out "cipher binds none"

# Rotation keeps what is wrapped.
OWNKEY_CONF=$dir/o.conf
expect 0 ownkey wrap main --generate 32 --out wrapped
expect 0 ownkey unwrap main --in wrapped --out before
expect 0 ownkey localkms rotate main.key
has out "version 2"
expect 0 ownkey unwrap main --in wrapped --out after
cmp -s before after || die "rotation lost a key"
expect 1 ownkey localkms rotate rsa-2048.key
expect 0 ownkey localkms rotate main.key --json
json 'd["version"] == 3'

# Settings of later versions are named.
sed -i 's|^log = .*|&\naudit = file:/nonexistent/audit|' o.conf
expect 4 ownkey check
has out "audit is checked, but this version does not act on it"
expect 4 ownkey check --json
json 'd["unused_settings"] == ["audit"]'
sed -i 's|^log = .*|log = stderr, warning|' o.conf
expect 0 ownkey status --offline
has err "audit is checked, but this version does not act on it"

# A key of another service does not get the options of its token's.
printf '[aws]\nkek = awskms:///alias/x\naws.region = eu-west-1\n[aws/k]\nkey = localkms://%s/ec-p256.key\npublic_key = %s/ec-p256.pem\n' \
    "$dir" "$dir" >mixed.conf
expect 0 ownkey --config mixed.conf key list --json
json 'all("error" not in k for k in d["keys"])'
