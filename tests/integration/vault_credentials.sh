#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where tokens for Vault come from: obtained, used again, refused in words.
# Prints the hashivault rows of the matrix of credentials.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/vault_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

good=$VAULT_TOKEN
unset VAULT_TOKEN
vault_default_policy

# row SOURCE REFRESHED BAD: good settings in good.lines, bad ones in bad.lines;
# variables are the caller's.
row() {
    {
        printf '[acme]\nkek = hashivault://kek\n'
        cat good.lines
    } >o.conf
    {
        printf '[acme]\nkek = hashivault://kek\n'
        cat bad.lines
    } >bad.conf
    chmod 600 o.conf bad.conf
    double reset
    expect 0 ownkey --config o.conf wrap acme --generate 32 --out w --force
    expect 0 ownkey --config o.conf unwrap acme --in w --out key --force
    logins=$(double calls login)
    expect 5 ownkey --config bad.conf wrap acme --generate 32 --out x
    has err "$3"
    has_not err "hvs."
    why=$(head -n 1 err | sed 's/^ownkey: //' | cut -c 1-160)
    printf '%s | obtained, %s logins in 2 runs | %s | %s\n' "$1" "$logins" \
        "$2" "$why"
}
lines() {
    for line; do
        printf '%s\n' "$line"
    done
}

lines "vault.token = $good" >good.lines
lines "vault.token = hvs.dead" >bad.lines
row "vault.token" "renewed" "bad.conf:3: vault.token"
lines "vault.token_file = $dir/vault/token" >good.lines
lines "vault.token_file = $dir/none" >bad.lines
row "vault.token_file" "read again, renewed" "vault.token_file: $dir/none"
VAULT_TOKEN=$good
export VAULT_TOKEN
: >good.lines
lines "vault.mount = transit" "vault.token = hvs.dead" >bad.lines
row "VAULT_TOKEN" "renewed" "vault.token"
unset VAULT_TOKEN
printf '%s\n' "$good" >.vault-token
row "\$HOME/.vault-token" "read again, renewed" "vault.token"
rm .vault-token

lines "vault.auth = approle" "vault.role_id = $(cat vault/role_id)" \
    "vault.secret_id_file = $dir/vault/secret_id" >good.lines
lines "vault.auth = approle" "vault.role_id = $(cat vault/role_id)" \
    "vault.secret_id = wrong" >bad.lines
row "approle" "renewed, then a new login" "invalid role or secret ID"
lines "vault.auth = kubernetes" "vault.role = app" \
    "vault.jwt_file = $dir/vault/service_account" >good.lines
lines "vault.auth = kubernetes" "vault.role = app" \
    "vault.jwt_file = $dir/vault/jwt" >bad.lines
row "kubernetes" "renewed, then a new login" "Kubernetes login"
lines "vault.auth = jwt" "vault.role = app" "vault.jwt_file = $dir/vault/jwt" \
    >good.lines
lines "vault.auth = jwt" "vault.role = app" \
    "vault.jwt_file = $dir/vault/service_account" >bad.lines
row "jwt" "renewed, then a new login" "error validating token"
lines "vault.auth = cert" "client_cert = $dir/vault/client.pem" \
    "client_key = $dir/vault/client.key" >good.lines
lines "vault.auth = cert" "vault.role = other" \
    "client_cert = $dir/vault/client.pem" "client_key = $dir/vault/client.key" \
    >bad.lines
row "cert" "renewed, then a new login" "no chain matching"
AWS_ACCESS_KEY_ID=AKIDEXAMPLE
AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
lines "vault.auth = aws" "vault.role = app" \
    "vault.aws_server_id = vault.example" >good.lines
lines "vault.auth = aws" "vault.role = app" >bad.lines
row "aws" "renewed, then a new login" "missing header"
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

VAULT_AGENT_ADDR=$(cat vault/endpoint.agent-socket)
export VAULT_AGENT_ADDR
: >good.lines
lines "vault.token = hvs.dead" >bad.lines
row "an agent's socket" "by the agent" "vault.token"
