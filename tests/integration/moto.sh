#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# awskms against moto, an AWS that others wrote: what the matrix has of it, data
# keys, states of a key, and roles that STS gives. What moto does wrong is in
# tests/cloud/README.md.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
here=$OWNKEY_SRCDIR/tests/integration
sh "$OWNKEY_SRCDIR/tests/cloud/clients.sh" "$OWNKEY_BUILDDIR/tests" >/dev/null ||
    exit $?
sh "$here/matrix.sh" moto || exit $?

service=moto
. "$here/matrix/moto.sh"
trap 'end_peer; rm -rf "$dir"' EXIT
start_moto
umask 077
run new_key kek
printf '[acme]\nkek = awskms:///alias/kek\n' >ownkey.conf

# Data keys of the service, and of this host.
expect 0 ownkey check
has out "wrong context  ok"
run ownkey wrap acme --generate 32 --out wrapped
run ownkey unwrap acme --in wrapped --out key
[ "$(wc -c <key)" -eq 32 ] || die "not 32 bytes"
sed 's/^kek.*/&\naws.data_key = local/' ownkey.conf >local.conf
run ownkey wrap acme --config local.conf --generate 32 --out wrapped.local
run ownkey unwrap acme --in wrapped.local --out key.local

# To another KEK, inside the service.
run new_key next
printf '[acme]\nkek = awskms:///alias/next\n' >next.conf
cp wrapped moved
run ownkey rewrap acme --config next.conf --in-place moved --no-plaintext \
    --from awskms:///alias/kek
run ownkey unwrap acme --config next.conf --in moved --out key.moved
cmp key key.moved || die "another key was moved"
expect 4 ownkey unwrap acme --in moved # the service: 6

# Taken away, given back, about to be gone, gone.
run aws "kms.disable_key(KeyId='$(key_id kek)')"
expect 4 ownkey status
has out disabled
run aws "kms.enable_key(KeyId='$(key_id kek)')"
run ownkey unwrap acme --in wrapped --out key --force
expect 0 ownkey status
has out active
run aws "kms.schedule_key_deletion(KeyId='$(key_id kek)')"
expect 4 ownkey status
has out pending_deletion
run aws "kms.cancel_key_deletion(KeyId='$(key_id kek)')"
expect 4 ownkey status
has out disabled
run aws "kms.enable_key(KeyId='$(key_id kek)')"
printf '[acme]\nkek = awskms:///alias/none\n' >none.conf
expect 4 ownkey wrap acme --config none.conf --generate 32 --out no
[ ! -e no ] || die "a key was wrapped"

# The KEK of a customer, in another account, by a role there.
role=arn:aws:iam::444455556666:role/saas
printf '[acme]\nkek = awskms:///alias/theirs\n' >role.conf
expect 4 ownkey wrap acme --config role.conf --generate 32 --out no
printf 'aws.role_arn = %s\naws.external_id = 7f3c\n' "$role" >>role.conf
expect 4 ownkey wrap acme --config role.conf --generate 32 --out no
run aws "[k.create_alias(AliasName='alias/theirs', TargetKeyId=k.create_key(
    )['KeyMetadata']['KeyId']) for k in [boto3.client('kms', **dict(zip(
    ('aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'),
    [boto3.client('sts').assume_role(RoleArn='$role',
    RoleSessionName='test')['Credentials'][n] for n in ('AccessKeyId',
    'SecretAccessKey', 'SessionToken')])))]]"
run ownkey wrap acme --config role.conf --generate 32 --out theirs
run ownkey unwrap acme --config role.conf --in theirs --out key --force
run ownkey unwrap --inspect --in theirs
has out "arn:aws:kms:eu-west-1:444455556666:key/"
expect 4 ownkey unwrap acme --in theirs

# The same by a profile, as AWS's own command line has it.
printf '[profile saas]\nrole_arn = %s\nsource_profile = host\n' "$role" >config
printf '[host]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
    "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >credentials
sed -i -e '/^aws\./d' -e 's/^kek.*/&\naws.profile = saas/' role.conf
(
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    AWS_CONFIG_FILE=$dir/config
    AWS_SHARED_CREDENTIALS_FILE=$dir/credentials
    export AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
    run ownkey unwrap acme --config role.conf --in theirs --out key --force
) || exit 1
