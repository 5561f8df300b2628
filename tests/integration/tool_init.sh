#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `ownkey init`: a configuration that works at once, and never over a file.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

expect 0 ownkey init --output "$dir/a/o.conf"
has out "$dir/a/o.conf"
has out "$dir/a/main.key"
has err "Next: ownkey --config $dir/a/o.conf check"
[ "$(stat -c %a a/main.key)" = 600 ] || die "the key file is not 0600"
expect 0 ownkey --config a/o.conf check
has out "level 0"
has out "wrong context  ok"

# Neither file is touched a second time.
cp a/o.conf o.conf.before
cp a/main.key key.before
expect 1 ownkey init --output a/o.conf
has err "exists and is left as it is"
cmp -s a/o.conf o.conf.before || die "the configuration was changed"
cmp -s a/main.key key.before || die "the key was changed"
rm a/o.conf
expect 0 ownkey init --output a/o.conf # takes the key that is there
cmp -s a/main.key key.before || die "the key was changed"
has_not out main.key
ln -s nowhere dangling
expect 1 ownkey init --output dangling
[ -L dangling ] || die "the link was replaced"
[ ! -e nowhere ] || die "the link was followed"

expect 1 ownkey init --kek "localkms://$dir/k/x.key" --output b.conf
[ ! -e b.conf ] || die "a configuration without its key"
mkdir k
expect 0 ownkey init --token acme --kek "localkms://$dir/k/x.key" --output b.conf
[ -f k/x.key ] || die "no key where --kek says"
expect 0 ownkey --config b.conf status --offline
has out acme

expect 0 ownkey init --kms awskms --token acme --output c.conf \
    --kek awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab
has c.conf "kek = awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
has_not err "Put the URI"
# For each service a file that needs only its key's name and credentials: what
# stands there, and what is commented out, is all known to it.
for kms in awskms azurekms gcpkms hashivault pkcs11; do
    expect 0 ownkey init --kms $kms --token acme --output $kms.conf
    has err "Put the URI"
    sed -n 's/^;\([a-z0-9_]*\.[a-z_]* = \)/\1/p' $kms.conf >settings
    [ -s settings ] || die "$kms: no setting is shown"
    sed -i 's/^;\(aws.region\|azure.tenant_id\|gcp.impersonate\|vault.mount\) /\1 /' \
        $kms.conf
    sed -i 's,/PATH/module.so,/usr/lib/softhsm/libsofthsm2.so,' $kms.conf
    ownkey --config $kms.conf status --offline >out 2>err || true
    has out acme
    has_not out "unknown setting"
    has_not err "unknown"
done
expect 0 ownkey init --help
for kms in awskms azurekms gcpkms hashivault pkcs11; do
    has out $kms
done
# The URI of an HSM's key needs no more than its words replaced.
expect 0 ownkey --config pkcs11.conf key list
has out "module-path"

expect 0 ownkey --json init --output e.conf
json 'd["config"] == "e.conf" and d["token"] == "main" and d["key_created"]'
[ ! -s err ] || die "messages beside JSON"

expect 2 ownkey init --kms othercloud
expect 2 ownkey init --token 'a b' --output f.conf
expect 2 ownkey init --token global --output f.conf
expect 2 ownkey init --kms awskms --kek localkms:///k --output f.conf
expect 2 ownkey init --kek nonsense --output f.conf
expect 2 ownkey init surplus
expect 1 ownkey init --output /nonexistent/deep/f.conf
[ ! -e f.conf ] || die "written in spite of an error"

# The default place: OWNKEY_CONF before the system's.
OWNKEY_CONF=$dir/g.conf
export OWNKEY_CONF
expect 0 ownkey init
has err "Next: ownkey check"
expect 0 ownkey check

# The sample configuration means what it says.
unset OWNKEY_CONF
cp "$OWNKEY_SRCDIR/conf/ownkey.conf.sample" sample.conf
chmod 600 sample.conf
expect 0 ownkey --config sample.conf status --offline
has out "acme             unverified       awskms    5m"
# So do its commented lines, but for those that name files or a profile.
sed -e '/^;public_key/d' -e '/^;accept/d' -e '/^;certificate/d' \
    -e '/^;on_state/d' -e '/^;leases/d' \
    -e '/^;aws.profile/d' -e '/^;gcp.credentials/d' \
    -e '/^;vault.secret_id_file/d' -e '/^;vault.auth/d' \
    -e '/^;vault.role_id/d' -e 's/^;\([a-z[]\)/\1/' sample.conf >every.conf
expect 0 ownkey --config every.conf status --offline --json
json '[t["name"] for t in d["tokens"]] == \
    ["acme", "azure", "google", "vault", "try"]'
json 'all("last_error" not in t for t in d["tokens"])'
json '"neither certificate" in d["tokens"][0]["keys"][0]["error"]["text"]'
