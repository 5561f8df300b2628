# SPDX-License-Identifier: Apache-2.0
# moto, which plays AWS. Sourced by matrix.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # here: of matrix.sh
. "$here/matrix/peer.sh"

# aws STATEMENT: in Python, with a client kms; what it gives is printed.
aws() {
    "$bin/python" -c 'import boto3, sys
kms = boto3.client("kms")
print(eval(sys.argv[1]))' "$1"
}

new_key() {
    aws "kms.create_alias(AliasName='alias/$1', TargetKeyId=kms.create_key(
        KeySpec='${2:-SYMMETRIC_DEFAULT}', KeyUsage='${3:-ENCRYPT_DECRYPT}'
        )['KeyMetadata']['KeyId'])"
}

key_id() {
    aws "kms.describe_key(KeyId='alias/$1')['KeyMetadata']['KeyId']"
}

start_moto() {
    peer "$bin/moto_server" -H 127.0.0.1 -p 0
    until_it "says where it is" grep -q 'Running on http' peer.log
    moto=$(sed -n 's/.*Running on \(http:[^ ]*\).*/\1/p' peer.log)
    AWS_ENDPOINT_URL_KMS=$moto
    AWS_ENDPOINT_URL_STS=$moto
    AWS_REGION=eu-west-1
    AWS_DEFAULT_REGION=$AWS_REGION
    AWS_ACCESS_KEY_ID=AKIDEXAMPLE
    AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
    AWS_EC2_METADATA_DISABLED=true
    export AWS_ENDPOINT_URL_KMS AWS_ENDPOINT_URL_STS AWS_REGION
    export AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    export AWS_EC2_METADATA_DISABLED
    unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_CA_BUNDLE
}

service_start() {
    start_moto
    run new_key kek
    section acme awskms:///alias/kek >ownkey.conf
}

service_rotate() {
    aws "kms.rotate_key_on_demand(KeyId='$(key_id kek)')"
}

service_stop() {
    end_peer
}
