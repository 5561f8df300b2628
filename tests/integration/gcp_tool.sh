#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tool against a double of Google Cloud KMS: every kind of key, the causes
# of failures with what to do, and their exit codes.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"
. "$OWNKEY_SRCDIR/tests/integration/gcp_lib.sh"

# Loading, listing and the offline status ask nobody.
double reset >/dev/null
expect 0 ownkey key list
expect 0 ownkey key pem acme/p256
expect 0 ownkey status --offline
[ "$(double calls)" -eq 0 ] || die "the service was asked"

expect 0 ownkey check
has out "customer KMS (level 2)"
has out "wrong context  ok"
[ "$(grep -c 'sign  *ok' out)" -eq 5 ] || die "not five keys signed"
[ "$(grep -c 'decrypt  *ok' out)" -eq 1 ] || die "not one key decrypted"
[ "$(grep -c 'mac  *ok' out)" -eq 1 ] || die "not one key made a MAC"

# Each kind of KEK: one request to wrap, one to unwrap.
head -c 32 /dev/urandom >key
for token in acme raw rsa; do
    double reset >/dev/null
    expect 0 ownkey wrap $token --in key --out $token.wrapped
    rm -f back
    expect 0 ownkey unwrap $token --in $token.wrapped --out back
    cmp -s key back || die "another key came back"
    [ "$(double calls)" -eq 2 ] || die "not one call each: $token"
    expect 6 ownkey unwrap $token --context other=x --in $token.wrapped
done
expect 0 ownkey unwrap --inspect --in acme.wrapped
has out "service      gcpkms"
has out "cryptoKeys/kek"
expect 0 ownkey unwrap --inspect --in raw.wrapped
has out aes-gcm

# Rotated in the service: what was wrapped opens, and moves to the new version.
double rotate kek >/dev/null
rm -f back
expect 0 ownkey unwrap acme --in acme.wrapped --out back
rm back
cp acme.wrapped moved
expect 0 ownkey rewrap acme --in-place moved
expect 0 ownkey unwrap --inspect --in moved
grep -q '^ *version  *2' out || has out "2"
expect 0 ownkey unwrap acme --in moved --out back
cmp -s key back || die "another key after the rewrap"

# Denials: class, exit code, state, and what to do. One row each.
row() { # WHAT ORDER END EXIT STATE HINT
    # shellcheck disable=SC2086 # an order is several words
    double $2 >/dev/null
    expect "$4" ownkey unwrap acme --in acme.wrapped
    line=$(head -n 1 err)
    ownkey status >out 2>err </dev/null
    has out "$5"
    expect "$4" ownkey check acme
    has out "$6"
    # shellcheck disable=SC2086 # so is this
    double $3 >/dev/null
    echo "# gcpkms | $1 | exit $4 | $5 | $line"
}
row "no permission" deny clear 4 unverified \
    "allow cloudkms.cryptoKeyVersions.useToEncrypt"
row "API off" "api off" "api on" 4 unverified "gcloud services enable"
row "disabled" "disable kek" "state kek ENABLED" 4 disabled \
    "gcloud kms keys versions enable"
row "to be destroyed" "destroy kek" "state kek ENABLED" 4 pending_deletion \
    "gcloud kms keys versions restore"
row "destroyed" "state kek DESTROYED" "state kek ENABLED" 4 lost \
    "gcloud kms keys list"
sed -i 's|^cache = .*|&\ntimeout = 2s|' o.conf
row "throttled" "throttle 99" clear 5 unreachable "quota"
row "unavailable" "fail 99 UNAVAILABLE" clear 5 unreachable \
    "see whether this host reaches cloudkms.googleapis.com"
row "account disabled" "account disable tester" "account enable tester" 5 "" \
    "gcloud auth application-default print-access-token"

expect 0 ownkey check acme

# Misconfigurations: no such key, another location, no credentials, a clock
# that is off.
config kek-that-is-not-there >wrong.conf
expect 4 ownkey --config wrong.conf check
has out "gcloud kms keys list"
config kek | sed 's|europe-west3|europe-west1|' >wrong.conf
expect 4 ownkey --config wrong.conf check
has out "also its location"
config kek | sed 's|keyRings/ring|keyRings/other|' >wrong.conf
expect 4 ownkey --config wrong.conf check
config p256 >wrong.conf
expect 3 ownkey --config wrong.conf check
has out "add /cryptoKeyVersions/N"
config kek >right.conf
GOOGLE_APPLICATION_CREDENTIALS=$dir/nothing.json \
    expect 5 ownkey --config right.conf check
has out "GOOGLE_APPLICATION_CREDENTIALS: $dir/nothing.json"
has out "set gcp.credentials"
double clock 7200
expect 0 ownkey --config right.conf check # by Google's time
double clear clock
printf 'gcp.impersonate = nobody@example-project.iam.gserviceaccount.com\n' |
    cat right.conf - >wrong.conf
printf 'gcp.iam_endpoint = %s\n' "$(cat "$dir/gcp/endpoint.oauth")" >>wrong.conf
expect 5 ownkey --config wrong.conf check
has out "iam.serviceAccounts.getAccessToken"
printf 'gcp.credential = x\n' | cat right.conf - >wrong.conf
expect 3 ownkey --config wrong.conf check
has out "gcp.credentials"

# A reply for another key, and one that was damaged on the way each time.
double lie name --operation Encrypt
expect 6 ownkey wrap acme --in key --out x
double clear
double lie crc:plaintext
expect 6 ownkey unwrap acme --in acme.wrapped
has err "plaintextCrc32c"
double clear

# A plaintext that was exchanged together with its checksum: only the
# commitment in the wrapped key tells.
double lie other:plaintext
expect 6 ownkey unwrap acme --in acme.wrapped
has err commitment
