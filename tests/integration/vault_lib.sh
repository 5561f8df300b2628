# SPDX-License-Identifier: Apache-2.0
# What the vault_*.sh scripts share: the double of Vault with keys, its token
# in the environment. Sourced, after the library of a face and in its folder
# $dir.
# shellcheck shell=sh

: "${dir:?}" "${OWNKEY_SRCDIR:?}"
/usr/bin/python3 -c 'import cryptography' 2>/dev/null || {
    echo "needs python3-cryptography"
    exit 77
}
double() {
    /usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$dir/vault" "$@"
}
/usr/bin/python3 "$OWNKEY_SRCDIR/tests/cloud/hashivault.py" \
    --dir "$dir/vault" --detach --parent $$ --tls --mount transit \
    --mount team/transit --namespace org --key kek --key sub=aes256-gcm96:derived \
    --key www=ecdsa-p256 --key rsa=rsa-2048 --key ed=ed25519 --key mac=hmac || {
    echo "no double"
    exit 1
}
for name in ADDR AGENT_ADDR TOKEN NAMESPACE CACERT CAPATH CLIENT_CERT \
    CLIENT_KEY SKIP_VERIFY TLS_SERVER_NAME; do
    unset "VAULT_$name" "BAO_$name"
done
HOME=$dir
export HOME
# shellcheck disable=SC1091 # made by the double
. "$dir/vault/env"

# vault_policy [PATH CAPABILITY]...: what the token may do, and no more.
vault_policy() {
    text=
    while [ $# -gt 0 ]; do
        text="$text path \"$1\" { capabilities = [\"$2\"] }"
        shift 2
    done
    double policy kms "$text"
}
# vault_default_policy: as it was at the start.
vault_default_policy() {
    vault_policy 'transit/keys/+' read 'transit/encrypt/+' update \
        'transit/decrypt/+' update 'transit/rewrap/+' update \
        'transit/sign/*' update 'transit/hmac/*' update
}
# vault_key TOKEN NAME [LINE...]: a remote key; its public part is NAME.pub.
vault_key() {
    printf '[%s/%s]\nkey = hashivault://%s\npublic_key = %s/%s.pub\n' \
        "$1" "$2" "$2" "$dir" "$2"
    shift 2
    for line; do
        printf '%s\n' "$line"
    done
}
# vault_publics NAME...: of the keys in ownkey.conf, which need none for that.
vault_publics() {
    for name; do
        printf '[p]\nkek = hashivault://kek\n[p/k]\nkey = hashivault://%s\n' \
            "$name" >public.conf
        "$OWNKEY_BUILDDIR/ownkey" --config public.conf key public p/k \
            >"$dir/$name.pub" || exit 1
    done
}
