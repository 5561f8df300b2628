#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Vault says, and what becomes of it: exit code, CK_RV, state of the
# token, log line. Prints the hashivault rows of the matrix of denials.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/vault_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

{
    printf '[global]\nlog = file:%s/log, info\n' "$dir"
    printf '[acme]\nkek = hashivault://kek\ncache = off\ntimeout = 2s\n'
    printf 'vault.token_file = %s/vault/token\n' "$dir"
} >ownkey.conf
chmod 600 ownkey.conf
unset VAULT_TOKEN
vault_default_policy
run ownkey wrap acme --generate 32 --out acme.wrapped --force
cp acme.wrapped good.wrapped
cp vault/token good.token

# row CLASS TEXT STATUS EXIT CK_RV STATE: after the orders in $order.
row() {
    class=$1 words=$2 status=$3 exit=$4 rv=$5 state=$6
    : >log
    eval "$order"
    ownkey unwrap acme --in acme.wrapped --out key --force --json >out 2>err
    got=$?
    [ $got -eq "$exit" ] || die "$class, $words: exit $got, not $exit"
    has out "\"status\":\"$status\""
    has out "$words"
    has log "$words"
    has_not log "hvs."
    has_not out "hvs."
    line=$(grep -F "$words" log | head -n 1 | cut -c 1-300)
    if [ "$state" != unverified ]; then
        has log "$state"
    fi
    eval "$order"
    if tool --slot 0 --unwrap -m $WRAP \
        --id "$(id_of secrkey acme --slot 0)" -i acme.wrapped \
        --key-type AES:32 --application-id 02 >out 2>err; then
        die "$class, $words: PKCS#11 unwraps all the same"
    fi
    has err "$rv"
    printf 'hashivault | %-12s | %-29s | %-11s | exit %s | %-30s | %-11s | %s\n' \
        "$class" "$words" "$status" "$exit" "$rv" "$state" "${line#*: }"
    double clear
    eval "$back"
    # Access given back works again.
    run ownkey unwrap acme --in acme.wrapped --out key --force
}

NO=CKR_KEY_FUNCTION_NOT_PERMITTED
order="double policy kms ''" back=vault_default_policy
row denied "permission denied" denied 4 $NO revoked
order='double lie wrap-info --operation decrypt' back=:
row denied "approves the request" denied 4 $NO revoked
order='double rotate kek >/dev/null; double min-version kek 2'
back='double min-version kek 1'
row disabled "disallowed by policy (too old)" disabled 4 $NO disabled
double rotate kek >/dev/null
# A key that is deleted does not come back with the same bytes: another one.
double create tmp
sed -i 's|hashivault://kek|hashivault://tmp|' ownkey.conf
run ownkey wrap acme --generate 32 --out acme.wrapped --force
order='double delete tmp 2>/dev/null || :'
back='sed -i "s|hashivault://tmp|hashivault://kek|" ownkey.conf
    cp good.wrapped acme.wrapped'
row gone "encryption key not found" gone 4 $NO lost

DOWN=CKR_DEVICE_ERROR
order='double seal' back='double unseal'
row unreachable "Vault is sealed" unreachable 5 $DOWN unreachable
order='double node standby --redirect none' back='double node active'
row unreachable "no active Vault instance" unreachable 5 $DOWN unreachable
order='double fail 9 500 --operation decrypt' back=:
row unreachable "internal error" unreachable 5 $DOWN unreachable
order='double throttle 9 --operation decrypt'
row throttled "rate limit quota exceeded" throttled 5 $DOWN unreachable
order='printf "hvs.dead\n" >vault/token' back='cp good.token vault/token'
row credentials "does not accept that token" credentials 5 $DOWN unreachable

BAD=CKR_WRAPPED_KEY_INVALID
order='double fail 1 "cipher: message authentication failed" --operation decrypt'
back=:
row damaged "message authentication failed" damaged 6 $BAD unverified
order='double fail 1 "invalid ciphertext: no prefix" --operation decrypt'
row damaged "invalid ciphertext" damaged 6 $BAD unverified
order='double lie bad-base64:plaintext --operation decrypt'
row "wrong reply" "not base64" protocol 6 $BAD unverified
