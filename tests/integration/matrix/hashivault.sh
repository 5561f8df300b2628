# SPDX-License-Identifier: Apache-2.0
# The double of Vault's and OpenBao's transit. Sourced by matrix.sh.
# shellcheck shell=sh
versions=yes
flavor=
keys='kek=aes256-gcm96 rsa=rsa-2048 pss=rsa-2048 dec=rsa-2048 ec=ecdsa-p256
    ed=ed25519 mac=hmac'

# What the token may do, and no more.
policy() {
    cat <<'END'
path "transit/keys/kek" { capabilities = ["read"] }
path "transit/encrypt/kek" { capabilities = ["update"] }
path "transit/decrypt/kek" { capabilities = ["update"] }
path "transit/sign/+" { capabilities = ["update"] }
path "transit/decrypt/dec" { capabilities = ["update"] }
path "transit/hmac/mac/+" { capabilities = ["update"] }
END
}

ctl() {
    /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$PWD/vault" "$@"
}

# spki: as PEM, what transit says; of Ed25519 that is base64 of 32 bytes.
spki() {
    /usr/bin/python3 -c 'import base64, sys
text = sys.stdin.read().strip()
if not text.startswith("-----BEGIN"):
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(text)
    text = ("-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der).decode()
            + "\n-----END PUBLIC KEY-----")
print(text)'
}

service_public() {
    ctl public-key "$1" | spki
}

start_vault() {
    # shellcheck disable=SC2046 # a list of options
    run /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/hashivault.py" \
        --dir "$PWD/vault" --detach --parent $$ --tls \
        --root-token root $flavor $(printf -- '--key %s ' $keys)
    # shellcheck disable=SC1091 # made by the double
    . "$PWD/vault/env"
    run ctl policy kms "$(policy)"
}

service_start() {
    start_vault
    {
        section acme hashivault://kek
        for k in rsa pss ec ed; do
            remote $k "hashivault://$k"
        done
        remote dec hashivault://dec 'vault.key_version = 1'
        section acme/mac hashivault://mac 'type = hmac-sha256'
    } >ownkey.conf
}

service_rotate() {
    ctl rotate kek
}

service_stop() {
    ctl stop
}
