# SPDX-License-Identifier: Apache-2.0
# What the azure_*.sh scripts share: the double of Azure Key Vault with keys,
# and ownkey.conf for them. Sourced, after the library of a face and in its
# folder $dir.
# shellcheck shell=sh

: "${dir:?}" "${OWNKEY_SRCDIR:?}"
/usr/bin/python3 -c 'import cryptography' 2>/dev/null || {
    echo "needs python3-cryptography"
    exit 77
}
double() {
    /usr/bin/python3 -W ignore "$OWNKEY_SRCDIR/tests/cloud/ctl.py" \
        "$dir/azure" "$@"
}
/usr/bin/python3 -W ignore "$OWNKEY_SRCDIR/tests/cloud/azurekms.py" \
    --dir "$dir/azure" --detach --parent $$ --tls --authority self \
    --key kek=RSA --key www=EC:P-256 --key ec384=EC:P-384 --key rsa=RSA:3072 \
    --key acmehsm/oct=oct-HSM:256 || {
    echo "no double"
    exit 1
}
# Credentials by the environment, as Azure's own tools read them; the login
# host is the double's.
# shellcheck disable=SC1091 # made by the double
. "$dir/azure/env"
vault=$(sed 's|^https://||' "$dir/azure/endpoint")
hsm=$(sed 's|^https://||' "$dir/azure/endpoint.hsm")

# vault_calls: requests to the vaults so far, tokens not counted.
vault_calls() {
    double stats | awk '/"operations"/ { in_it = 1 } /}/ { in_it = 0 }
        in_it && /"(wrapKey|unwrapKey|sign|decrypt|get)":/ { n += $2 }
        END { print n + 0 }'
}
# azure_token NAME URI-HOST KEY RESOURCE [LINE...]: a section for a KEK.
azure_token() {
    printf '[%s]\nkek = azurekms://%s/%s\nca_file = %s/azure/ca.pem\n' \
        "$1" "$2" "$3" "$dir"
    printf 'azure.resource = https://%s.azure.net\n' "$4"
    shift 4
    for line; do
        printf '%s\n' "$line"
    done
}
# azure_key TOKEN NAME: a remote key, with its public part.
azure_key() {
    double public-key "$2" >"$dir/$2.pub"
    printf '[%s/%s]\nkey = azurekms://%s/%s\npublic_key = %s/%s.pub\n' \
        "$1" "$2" "$vault" "$2" "$dir" "$2"
}
