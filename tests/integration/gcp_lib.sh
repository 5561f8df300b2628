# SPDX-License-Identifier: Apache-2.0
# What the gcp_*.sh scripts share: a double of Google Cloud KMS in $dir/gcp,
# its keys, and a configuration o.conf for them. Sourced, not run; $dir is the
# script's own folder, `ownkey` the tool.
# shellcheck shell=sh disable=SC2154 # $dir

/usr/bin/python3 -c 'import cryptography' 2>/dev/null || {
    echo "needs python3-cryptography"
    exit 77
}

# double ORDER...
double() {
    "$OWNKEY_SRCDIR/tests/cloud/ctl.py" "$dir/gcp" "$@"
}

"$OWNKEY_SRCDIR/tests/cloud/gcpkms.py" --dir "$dir/gcp" --detach --parent $$ \
    --key kek --key raw=AES_256_GCM --key rsa=RSA_DECRYPT_OAEP_2048_SHA256 \
    --key p256=EC_SIGN_P256_SHA256 --key p384=EC_SIGN_P384_SHA384 \
    --key ed=EC_SIGN_ED25519 --key pss=RSA_SIGN_PSS_2048_SHA256 \
    --key pkcs1=RSA_SIGN_PKCS1_2048_SHA256 \
    --key dec=RSA_DECRYPT_OAEP_2048_SHA256 --key mac=HMAC_SHA256 || exit 1
trap 'double stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
# shellcheck disable=SC1091 # made by the double
. "$dir/gcp/env"
CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS=$(cat "$dir/gcp/endpoint")
export CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS

ring=gcpkms://projects/example-project/locations/europe-west3/keyRings/ring
ring=$ring/cryptoKeys

# config KEY: a token whose KEK is that key, on standard output.
config() {
    printf '[acme]\nkek = %s/%s\ncache = balanced\n' "$ring" "$1"
}

# The public part of key $1, from the service itself.
public_part() {
    double public-key "$1" >"$dir/$1.pem"
}

{
    config kek
    for key in p256 p384 ed pss pkcs1 dec; do
        public_part $key
        printf '[acme/%s]\nkey = %s/%s/cryptoKeyVersions/1\n' \
            $key "$ring" $key
        printf 'public_key = %s/%s.pem\n' "$dir" $key
    done
    printf '[acme/mac]\nkey = %s/mac/cryptoKeyVersions/1\ntype = hmac-sha256\n' \
        "$ring"
    printf '[raw]\nkek = %s/raw/cryptoKeyVersions/1\n' "$ring"
    printf 'gcp.algorithm = AES_256_GCM\n'
    public_part rsa
    printf '[rsa]\nkek = %s/rsa/cryptoKeyVersions/1\n' "$ring"
    printf 'public_key = %s/rsa.pem\n' "$dir"
} >"$dir/o.conf"
OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
