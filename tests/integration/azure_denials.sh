#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Azure says, and what becomes of it: exit code, CK_RV, state of the
# token, log line. Prints the azurekms rows of the matrix of denials.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/azure_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

{
    printf '[global]\nlog = file:%s/log, info\n' "$dir"
    azure_token acme "$vault" kek vault "cache = off" "timeout = 2s"
    azure_token hsm "$hsm" oct managedhsm "azure.algorithm = A256KW" \
        "cache = off" "timeout = 2s"
} >ownkey.conf
chmod 600 ownkey.conf
for token in acme hsm; do
    run ownkey wrap $token --generate 32 --out $token.wrapped
done

# row TOKEN CLASS CODE STATUS EXIT CK_RV STATE: after the orders in $order.
row() {
    token=$1 class=$2 code=$3 status=$4 exit=$5 rv=$6 state=$7
    : >log
    eval "$order"
    ownkey unwrap "$token" --in "$token.wrapped" --out key --force --json \
        >out 2>err
    got=$?
    [ $got -eq "$exit" ] || die "$code: exit $got, not $exit"
    has out "\"status\":\"$status\""
    has out "$code"
    has log "$code"
    has_not log "$AZURE_CLIENT_SECRET"
    has_not out "$AZURE_CLIENT_SECRET"
    has_not log "eyJ"
    line=$(grep -F "$code" log | head -n 1 | cut -c 1-300)
    if [ "$state" != unverified ]; then
        has log "$state"
    fi
    eval "$order"
    slot=0
    [ "$token" = acme ] || slot=1
    if tool --slot $slot --unwrap -m $WRAP \
        --id "$(id_of secrkey "$token" --slot $slot)" -i "$token.wrapped" \
        --key-type AES:32 --application-id 02 >out 2>err; then
        die "$code: PKCS#11 unwraps all the same"
    fi
    has err "$rv"
    printf 'azurekms | %-16s | %-29s | %-16s | exit %s | %-30s | %-16s | %s\n' \
        "$class" "$code" "$status" "$exit" "$rv" "$state" "${line#*: }"
    double clear
    eval "$back"
    # Access given back works again.
    run ownkey unwrap "$token" --in "$token.wrapped" --out key --force
}

NO=CKR_KEY_FUNCTION_NOT_PERMITTED
order='double grant get --vault acme' back='double grant all --vault acme'
row acme denied ForbiddenByPolicy denied 4 $NO revoked
order='double mode rbac --vault acme; double grant reader --vault acme'
back='double mode policy --vault acme; double grant all --vault acme'
row acme denied ForbiddenByRbac denied 4 $NO revoked
order='double grant none --vault acmehsm' back='double grant all --vault acmehsm'
row hsm denied AccessDenied denied 4 $NO revoked
order='double firewall address --vault acme'
back='double firewall off --vault acme'
row acme "denied, network" ForbiddenByFirewall denied 4 $NO revoked
order='double firewall connection --vault acme'
row acme "denied, network" ForbiddenByConnection denied 4 $NO revoked
order='double ops kek wrapKey,sign'
back='double ops kek wrapKey,unwrapKey,sign,verify,encrypt,decrypt'
row acme denied KeyOperationForbidden denied 4 $NO revoked
order='double fail 1 SomethingNew --operation unwrapKey' back=:
row acme "denied, unknown" SomethingNew denied 4 $NO revoked
order='double disable kek' back='double enable kek'
row acme disabled KeyDisabled disabled 4 $NO disabled
order='double disable acmehsm/oct' back='double enable acmehsm/oct'
row hsm disabled KeyDisabled disabled 4 $NO disabled
order='double busy kek ObjectIsDeletedButRecoverable' back='double busy kek'
row acme "deletion pending" ObjectIsDeletedButRecoverable pending_deletion 4 \
    $NO pending_deletion
order='double delete kek 2>/dev/null || :' back='double recover kek'
row acme gone KeyNotFound gone 4 $NO lost
order='double app disable' back='double app enable'
row acme "denied, tenant" AADSTS7000112 denied 4 $NO revoked

order='double busy kek ObjectIsBeingRecovered' back='double busy kek'
row acme unreachable ObjectIsBeingRecovered unreachable 5 CKR_DEVICE_ERROR \
    unreachable
order='double fail 9 500 --operation unwrapKey' back=:
row acme unreachable InternalServerError unreachable 5 CKR_DEVICE_ERROR \
    unreachable
row hsm unreachable InternalServerError unreachable 5 CKR_DEVICE_ERROR \
    unreachable
order='double throttle 9 --retry-after 1 --operation unwrapKey'
row acme throttled Throttled throttled 5 CKR_DEVICE_ERROR unreachable
order='double secret expire'
# shellcheck disable=SC2016 # expanded when it is needed
back='double secret remove; double secret add "$AZURE_CLIENT_SECRET"'
row acme credentials AADSTS7000222 credentials 5 CKR_DEVICE_ERROR unreachable
order='double fail 9 Unauthorized --operation unwrapKey' back=:
row acme credentials Unauthorized credentials 5 CKR_DEVICE_ERROR unreachable

order='double fail 1 BadParameter --operation unwrapKey'
row acme damaged BadParameter damaged 6 CKR_WRAPPED_KEY_INVALID unverified
