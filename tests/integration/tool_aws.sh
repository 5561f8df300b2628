#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tool against a double of AWS KMS: check, the causes of failures with
# what to do, and their exit codes.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

/usr/bin/python3 -c 'import cryptography' 2>/dev/null || {
    echo "needs python3-cryptography"
    exit 77
}
double() {
    "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$dir/aws" "$@"
}
"$OWNKEY_SRCDIR/tests/cloud/awskms.py" --dir "$dir/aws" --detach --parent $$ \
    --key alias/acme --key alias/www=ECC_NIST_P256 --key alias/rsa=RSA_2048 \
    --key alias/dec=RSA_2048:ENCRYPT_DECRYPT || die "no double"
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
# shellcheck disable=SC1091 # made by the double
. "$dir/aws/env"
export AWS_EC2_METADATA_DISABLED=true

ownkey init --kms awskms --token acme --kek awskms:///alias/acme \
    --output o.conf >/dev/null 2>&1 || die init
OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
for key in www rsa dec; do
    printf '[acme/%s]\nkey = awskms:///alias/%s\n' "$key" "$key" >>o.conf
    expect 0 ownkey key public "acme/$key"
    cp out "$key.pem"
    printf 'public_key = %s/%s.pem\n' "$dir" "$key" >>o.conf
done

# Loading, listing and the offline status ask nobody.
double reset >/dev/null
expect 0 ownkey key list
expect 0 ownkey key pem acme/www
expect 0 ownkey status --offline
[ "$(double calls)" -eq 0 ] || die "the service was asked"
expect 0 ownkey status
[ "$(double calls)" -eq 1 ] || die "status asked more than once"

expect 0 ownkey check
has out "customer KMS (level 2)"
has out "wrong context  ok"
[ "$(grep -c 'sign  *ok' out)" -eq 2 ] || die "not two keys signed"
[ "$(grep -c 'decrypt  *ok' out)" -eq 1 ] || die "not one key decrypted"

head -c 32 /dev/urandom >key
double reset >/dev/null
expect 0 ownkey wrap acme --in key --out wrapped
expect 0 ownkey unwrap acme --in wrapped --out back
cmp -s key back || die "another key came back"
[ "$(double calls)" -eq 2 ] || die "not one call each"
double reset >/dev/null
expect 6 ownkey unwrap acme --context other=x --in wrapped
[ "$(double calls)" -eq 0 ] || die "a wrong context was sent"

# 4, and the permission that is missing.
double deny Decrypt
expect 4 ownkey unwrap acme --in wrapped
has err AccessDeniedException
expect 4 ownkey unwrap acme --in wrapped --out x --json
json 'd["error"]["status"] == "denied" and d["error"]["http_status"] == 400'
json 'd["error"]["code"] == "AccessDeniedException" and d["error"]["request_id"]'
expect 4 ownkey check
has out "describe       ok"
has out "unwrap         FAILED"
has out "to do:  allow kms:Decrypt on this key"
double allow
double deny DescribeKey
expect 4 ownkey check # all else is allowed, and is tried
has out "allow kms:DescribeKey"
has out "unwrap         ok"
expect 4 ownkey status # not to be described is not to be revoked
has out unverified
has out kms:DescribeKey
has_not out revoked
double allow
double deny GenerateDataKey
expect 4 ownkey check
has out "allow kms:GenerateDataKey"
double allow
double deny Sign
expect 4 ownkey check
has out "allow kms:Sign"
double allow
double disable alias/acme
expect 4 ownkey status
has out disabled
expect 4 ownkey check
has out "aws kms enable-key"
double enable alias/acme
double schedule-deletion alias/acme 7 >/dev/null
expect 4 ownkey status --json
json 'd["tokens"][0]["state"] == "pending_deletion"'
json 'd["tokens"][0]["last_error"]["deletion_date"].startswith("2")'
expect 4 ownkey check
has out "cancel-key-deletion"
has out "it is gone after 2"
double enable alias/acme 2>/dev/null || double state alias/acme Enabled

# A wrong public key, and a key id that is not the one asked for.
cp www.pem www.good
cp rsa.pem www.pem
expect 3 ownkey check
has out "of another key"
cp www.good www.pem
double lie key-id --operation Decrypt
expect 6 ownkey unwrap acme --in wrapped
double clear

# 5: unreachable, throttled, our credentials.
sed -i 's|^cache = .*|&\ntimeout = 1s|' o.conf
double throttle 100
expect 5 ownkey unwrap acme --in wrapped --json --out x
json 'd["error"]["status"] == "throttled"'
double clear
AWS_SECRET_ACCESS_KEY=wrong expect 5 ownkey check
has out "aws sts get-caller-identity"
(
    AWS_ENDPOINT_URL_KMS=http://127.0.0.1:9
    export AWS_ENDPOINT_URL_KMS
    expect 5 ownkey unwrap acme --in wrapped
    expect 5 ownkey check
    has out "see whether this host reaches the endpoint"
    expect 5 ownkey status
    has out unreachable
) || exit 1

# An RSA key as the KEK.
printf '[rsa]\nkek = awskms:///alias/dec\npublic_key = %s/dec.pem\n' "$dir" \
    >rsa.conf
expect 0 ownkey --config rsa.conf check
has out "cipher binds none"

# A key moves here from another service: opened on the way, and said so.
unset OWNKEY_CONF
ownkey init --token move --kek "localkms://$dir/move.key" --output move.conf \
    >/dev/null 2>&1 || die "init of localkms"
expect 0 ownkey --config move.conf wrap move --in key --out moved
printf '[move]\nkek = awskms:///alias/acme\n' >move.conf
expect 1 ownkey --config move.conf rewrap move --in-place moved \
    --from "localkms://$dir/move.key" --no-plaintext
has err "which --no-plaintext forbids"
expect 0 ownkey --config move.conf rewrap move --in-place moved \
    --from "localkms://$dir/move.key"
has err "1 opened and wrapped again in this process"
expect 0 ownkey unwrap --inspect --in moved
has out "service      awskms"
ownkey --config move.conf unwrap move --in moved | cmp -s - key ||
    die "another key arrived"
