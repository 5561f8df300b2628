#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tool against a double of Azure Key Vault and Managed HSM: what works, and
# what check says about each thing that may be wrong.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/azure_lib.sh"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT

OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
{
    azure_token acme "$vault" kek vault
    for key in www ec384 rsa; do
        azure_key acme $key
    done
    azure_token hsm "$hsm" oct managedhsm "azure.algorithm = A256KW"
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
for key in www ec384 rsa; do
    expect 0 ownkey key public "acme/$key"
    cmp -s out "$key.pub" || die "another public key of $key"
done

head -c 32 /dev/urandom >key
for token in acme hsm; do
    double reset
    expect 0 ownkey wrap $token --in key --out $token.wrapped
    expect 0 ownkey unwrap $token --in $token.wrapped --out back --force
    cmp -s key back || die "another key came back"
    [ "$(double calls wrapKey)" -eq 1 ] || die "not one wrap"
    [ "$(double calls unwrapKey)" -eq 1 ] || die "not one unwrap"
done
expect 0 ownkey unwrap --inspect --in hsm.wrapped
has out "/keys/oct"

# A new version: what was wrapped before still opens, and can be rewrapped.
double rotate kek >/dev/null
expect 0 ownkey wrap acme --in key --out new.wrapped
expect 0 ownkey unwrap acme --in acme.wrapped --out back --force
cmp -s key back || die "another key came back"
cp acme.wrapped again.wrapped
expect 0 ownkey rewrap acme again.wrapped --in-place
cmp -s acme.wrapped again.wrapped && die "not rewrapped"
expect 0 ownkey unwrap acme --in again.wrapped --out back --force
cmp -s key back || die "another key came back"

# A key that is too long for RSA, and not for AES.
head -c 400 /dev/urandom >long
expect 3 ownkey wrap acme --in long --out x
has err "azure.algorithm"
head -c 4000 /dev/urandom >long
expect 2 ownkey wrap acme --in long --out x
has err "takes at most 446"
expect 0 ownkey wrap hsm --in long --out long.wrapped
expect 0 ownkey unwrap hsm --in long.wrapped --out back --force
cmp -s long back || die "another key came back"

# A wrapped key that was changed.
sed 's/rsa-oaep-sha256/rsa-oaep-sha384/' acme.wrapped >bad.wrapped
expect 6 ownkey unwrap acme --in bad.wrapped
expect 6 ownkey unwrap hsm --in acme.wrapped

# ---- what check explains ----

# finds EXIT TEXT...: check ends like that and says each of them.
finds() {
    expect "$1" ownkey check
    shift
    for text; do
        has out "$text"
    done
}

# No permission; one at a time; the others are tried all the same.
double grant get,wrapKey,sign --vault acme
finds 4 ForbiddenByPolicy "to do:  allow unwrapKey on this key" \
    "wrap           ok"
double grant wrapKey,unwrapKey,sign --vault acme
finds 4 "allow get on this key" "unwrap         ok"
double mode rbac --vault acme
double grant reader --vault acme
finds 4 ForbiddenByRbac "allow wrapKey on this key" \
    "Crypto Service Encryption User"
double mode policy --vault acme
double grant all --vault acme
double grant none --vault acmehsm
finds 4 AccessDenied "local role"
double grant all --vault acmehsm

# The network, the state of the key, its time, its deletion.
double firewall address --vault acme
finds 4 ForbiddenByFirewall "firewall does not allow" "network"
double firewall off --vault acme
double disable kek
finds 4 "is disabled" "az keyvault key set-attributes"
double enable kek
double valid kek --expires -60
finds 4 "expired on 20" "set-attributes"
expect 0 ownkey unwrap acme --in new.wrapped --out back --force
expect 0 ownkey status
has out "KEK expires: 20"
double valid kek --expires never
double delete kek
finds 4 "scheduled for deletion" "az keyvault key recover" \
    "it is gone after 20"
expect 4 ownkey unwrap acme --in new.wrapped --out x
has err KeyNotFound
double recover kek

# No such key, no such version, a host that is no vault.
sed 's|/kek$|/keg|' o.conf >other.conf
(
    OWNKEY_CONF=$dir/other.conf
    finds 4 KeyNotFound "az keyvault key list"
) || exit 1
sed '/azure.resource/d' o.conf >other.conf
(
    OWNKEY_CONF=$dir/other.conf
    finds 3 "no host of a vault" "set azure.resource"
) || exit 1
sed "s|$vault|127.0.0.1:9|" o.conf >other.conf
(
    OWNKEY_CONF=$dir/other.conf
    finds 5 "no connection to 127.0.0.1:9" "the vault's name"
) || exit 1
sed 's|azure.algorithm.*|azure.algoritm = A256KW|' o.conf >other.conf
(
    OWNKEY_CONF=$dir/other.conf
    finds 3 "did you mean azure.algorithm?"
) || exit 1
sed 's|azure.algorithm.*||' o.conf >other.conf
(
    OWNKEY_CONF=$dir/other.conf
    finds 3 "A256KW for oct-HSM"
) || exit 1

# Credentials: wrong, expired, of another tenant, none; and the clock.
AZURE_CLIENT_SECRET=wrong finds 5 AADSTS7000215 AZURE_CLIENT_SECRET \
    "correct what the text names"
double secret expire
finds 5 AADSTS7000222 "the client secret expired"
double secret remove
double secret add "$AZURE_CLIENT_SECRET"
double app disable
finds 4 AADSTS7000112 "disabled in that tenant" "administrator of its tenant"
double app enable
theirs=$AZURE_TENANT_ID
AZURE_TENANT_ID=99999999-2222-3333-4444-555555555555
finds 5 AADSTS90002 "check azure.tenant_id"
double app consent "$AZURE_CLIENT_ID" "$AZURE_TENANT_ID"
finds 5 "the vault is in tenant $theirs" "set azure.tenant_id to the vault's"
AZURE_TENANT_ID=$theirs
# Unset, the vault's own tenant is found out.
(
    unset AZURE_TENANT_ID
    finds 0 "unwrap         ok"
    double foreign-login
    finds 5 "nothing was sent there"
    [ "$(double calls foreign-token)" -eq 0 ] || die "a secret was sent"
    double challenge --vault acme
    double challenge --vault acmehsm
) || exit 1
(
    unset AZURE_CLIENT_SECRET
    AZURE_CLIENT_CERTIFICATE_PATH=$dir/azure/client.pem
    export AZURE_CLIENT_CERTIFICATE_PATH
    finds 0 "unwrap         ok"
    double clock 7200
    finds 5 AADSTS700024 "this host's clock is" "behind that of Entra ID"
    double clear
    AZURE_CLIENT_CERTIFICATE_PATH=$dir/none.pem
    finds 5 "none.pem" "No such file"
) || exit 1
(
    unset AZURE_CLIENT_SECRET AZURE_CLIENT_ID
    AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:9
    PATH=/usr/bin:/bin
    export AZURE_POD_IDENTITY_AUTHORITY_HOST PATH
    finds 5 "no Azure credentials" "az"
) || exit 1

# Throttled, and not there.
sed -i 's|^kek = .*|&\ntimeout = 1s|' o.conf
double throttle 100 --operation get
finds 5 Throttled "raise the cache time"
double clear
double stop
finds 5 "no connection"
