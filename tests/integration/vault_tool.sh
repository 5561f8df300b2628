#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tool against a double of Vault: what works, and what check says about
# each thing that may be wrong.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/vault_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
vault_default_policy
vault_publics www rsa ed
{
    printf '[acme]\nkek = hashivault://kek\n'
    printf '[sub]\nkek = hashivault://sub\n'
    for key in www rsa ed; do
        vault_key acme $key "vault.key_version = 1"
    done
    printf '[acme/mac]\nkey = hashivault://mac\ntype = hmac-sha256\n'
} >o.conf
chmod 600 o.conf

# Loading, listing and the offline status ask nobody.
double reset
expect 0 ownkey key list
expect 0 ownkey key pem acme/www
expect 0 ownkey status --offline
[ "$(double calls)" -eq 0 ] || die "the service was asked"

expect 0 ownkey check
has out "customer KMS (level 2)"
[ "$(grep -c 'sign  *ok' out)" -eq 3 ] || die "not three keys signed"
[ "$(grep -c 'unwrap  *ok' out)" -eq 2 ] || die "not two KEKs unwrapped"
[ "$(grep -c 'mac  *ok' out)" -eq 1 ] || die "no MAC"
[ "$(grep -c 'refused, as it must be' out)" -eq 2 ] || die "no binding"

head -c 32 /dev/urandom >key
for token in acme sub; do
    double reset
    expect 0 ownkey wrap $token --in key --out $token.wrapped
    expect 0 ownkey unwrap $token --in $token.wrapped --out back --force
    cmp -s key back || die "another key came back"
    [ "$(double calls encrypt)" -eq 1 ] || die "not one wrap"
    [ "$(double calls decrypt)" -eq 1 ] || die "not one unwrap"
done
expect 0 ownkey unwrap --inspect --in sub.wrapped
has out "transit/sub"
has out "symmetric-derived"

# A new version: inside Vault where it can, else here.
for token in acme:kek sub:sub; do
    double rotate "${token#*:}" >/dev/null
    token=${token%:*}
    cp "$token.wrapped" again.wrapped
    expect 0 ownkey rewrap "$token" again.wrapped --in-place
    cmp -s "$token.wrapped" again.wrapped && die "not rewrapped"
    expect 0 ownkey unwrap "$token" --in again.wrapped --out back --force
    cmp -s key back || die "another key came back"
done
[ "$(double calls rewrap)" -eq 1 ] || die "Vault did not rewrap"
expect 6 ownkey unwrap sub --in acme.wrapped

# ---- what check explains ----

# finds EXIT TEXT...: check ends like that and says each of them.
finds() {
    expect "$1" ownkey check
    shift
    for text; do
        has out "$text"
    done
}
# with EDIT EXIT TEXT...: the same with an edited configuration.
with() {
    sed "$1" o.conf >other.conf
    chmod 600 other.conf
    shift
    (
        OWNKEY_CONF=$dir/other.conf
        finds "$@"
    ) || exit 1
}

# No permission, one at a time.
vault_policy 'transit/+/+' update 'transit/hmac/+/+' update
finds 4 'allow "read" (path MOUNT/keys/KEY)' \
    'lacks path "transit/keys/kek"' vault.check_key
vault_policy 'transit/keys/+' read 'transit/encrypt/+' update
finds 4 'allow "update" (path MOUNT/decrypt/KEY)' \
    '"update" on "transit/decrypt/kek"' "wrap           ok"
vault_default_policy

# Sealed; no such mount, namespace, key; a mistyped name makes no key.
double seal
finds 5 "Vault is sealed" "must unseal it" "vault status"
double unseal
with 's|^kek = hashivault://kek|&\nvault.mount = kv|' 3 "no handler for route" \
    "check vault.mount"
with 's|^kek = hashivault://kek|&\nvault.namespace = nobody|' 3 \
    "namespace not found" "check vault.namespace"
with 's|hashivault://kek|hashivault://kex|' 4 "no such key" "vault list"
VAULT_TOKEN=$(cat vault/root_token) finds 0 "unwrap         ok"
(
    VAULT_TOKEN=$(cat vault/root_token)
    export VAULT_TOKEN
    with 's|hashivault://kek|hashivault://kex|' 4 "no such key"
) || exit 1
double keys | grep -q kex && die "a mistyped name made a key"

# Tokens: expired, none, of a login that is refused.
good=$(cat vault/token)
VAULT_TOKEN=$(double token)
double expire-token "$VAULT_TOKEN" >/dev/null
finds 5 VAULT_TOKEN "it expired, was revoked" "vault token lookup"
unset VAULT_TOKEN
finds 5 "no token for Vault" ".vault-token"
printf '%s\n' "$good" >.vault-token
finds 0 "unwrap         ok"
rm .vault-token
with "s|^kek = .*|&\\nvault.auth = approle\\nvault.role_id = no\\nvault.secret_id = no|" \
    5 "AppRole login at auth/approle" "invalid role or secret ID"
with "s|^kek = .*|&\\nvault.auth = approle\\nvault.role_id = $(cat vault/role_id)\\nvault.secret_id_file = $dir/vault/secret_id|" \
    0 "unwrap         ok"
VAULT_TOKEN=$good
export VAULT_TOKEN

# The agent, by its socket.
(
    unset VAULT_TOKEN
    VAULT_AGENT_ADDR=$(cat vault/endpoint.agent-socket)
    export VAULT_AGENT_ADDR
    finds 0 "unwrap         ok"
) || exit 1

# What the environment asks and nobody gets.
VAULT_SKIP_VERIFY=true finds 3 "VAULT_SKIP_VERIFY is set" "always verified"
with 's|^kek = .*|&\nvault.adress = x|' 3 "did you mean vault.address?"
with 's|^kek = .*|&\nvault.address = https://127.0.0.1:9|' 5 "vault status"

# Throttled, and not there.
sed -i 's|^kek = .*|&\ntimeout = 1s|' o.conf
double throttle 200 --operation read-key
finds 5 "rate limit quota exceeded" "raise the rate limit quota"
double clear
double stop
finds 5 "no connection"
