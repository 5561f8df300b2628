#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an HSM says, and what becomes of it: exit code, CK_RV, state of the
# token, log line. Prints the pkcs11 rows of the matrix of denials.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
bad=$OWNKEY_BUILDDIR/tests/unit/.libs/bad_hsm.so
[ -r "$bad" ] || skip "needs the bad HSM of the unit tests"

(umask 077 && echo 1234 >pin)
cat >ownkey.conf <<END
[global]
log = file:$dir/log, info

[hsm]
kek = pkcs11:token=bad;object=kek?module-path=$bad&pin-source=file:$dir/pin
cache = off
timeout = 3s
END
chmod 600 ownkey.conf
run ownkey wrap hsm --generate 32 --out key.wrapped
run ownkey unwrap hsm --in key.wrapped --out key
id=$(id_of secrkey hsm --token-label hsm)
[ -n "$id" ] || die "no KEK object"

# row CLASS CODE NUMBER FUNCTION STATUS EXIT CK_RV STATE
row() {
    class=$1 code=$2 order=$4=$3 status=$5 exit=$6 rv=$7 state=$8
    : >log
    BAD_HSM=$order ownkey unwrap hsm --in key.wrapped --out key --force --json >out 2>err
    got=$?
    [ $got -eq "$exit" ] || die "$code: exit $got, not $exit"
    has out "\"status\":\"$status\""
    has out "$code"
    has log "$code"
    has_not log 1234
    has_not out 1234
    line=$(grep -F "$code" log | head -n 1 | cut -c 1-400)
    # The state that the token came to, as the log tells it.
    if [ "$state" != unverified ]; then
        has log "$state"
    fi
    if BAD_HSM=$order tool --token-label hsm --unwrap -m $WRAP --id "$id" \
        -i key.wrapped --key-type AES:32 --application-id 02 --extractable \
        --wrap -o again >out 2>err; then
        die "$code: PKCS#11 unwraps all the same"
    fi
    has err "$rv"
    printf 'pkcs11 | %-16s | %-31s | %-11s | exit %s | %-31s | %-11s | %s\n' \
        "$class" "$code" "$status" "$exit" "$rv" "$state" "${line#*hsm: }"
    # Access given back works again.
    run ownkey unwrap hsm --in key.wrapped --out key --force
}

NOT_PERMITTED=CKR_KEY_FUNCTION_NOT_PERMITTED
row denied $NOT_PERMITTED 0x68 DecryptInit denied 4 $NOT_PERMITTED revoked
row denied CKR_ACTION_PROHIBITED 0x1b DecryptInit denied 4 $NOT_PERMITTED \
    revoked
row disabled CKR_KEY_EXHAUSTED 0x203 Decrypt disabled 4 $NOT_PERMITTED disabled
row gone CKR_KEY_HANDLE_INVALID 0x60 DecryptInit gone 4 $NOT_PERMITTED lost
row unreachable CKR_DEVICE_ERROR 0x30 Decrypt unreachable 5 CKR_DEVICE_ERROR \
    unreachable
row unreachable CKR_DEVICE_REMOVED 0x32 Decrypt unreachable 5 \
    CKR_DEVICE_ERROR unreachable
row unreachable CKR_TOKEN_NOT_PRESENT 0xe0 OpenSession unreachable 5 \
    CKR_DEVICE_ERROR unreachable
row unreachable "CK_RV 0x80000005" 0x80000005 Decrypt unreachable 5 \
    CKR_DEVICE_ERROR unreachable
row throttled CKR_SESSION_COUNT 0xb1 OpenSession throttled 5 CKR_DEVICE_ERROR \
    unreachable
row credentials CKR_PIN_INCORRECT 0xa0 Login credentials 5 CKR_DEVICE_ERROR \
    unreachable
row credentials CKR_PIN_EXPIRED 0xa3 Login credentials 5 CKR_DEVICE_ERROR \
    unreachable
row credentials CKR_PIN_LOCKED 0 PIN credentials 5 CKR_DEVICE_ERROR \
    unreachable
row damaged CKR_ENCRYPTED_DATA_INVALID 0x40 Decrypt damaged 6 \
    CKR_WRAPPED_KEY_INVALID unverified
row damaged CKR_AEAD_DECRYPT_FAILED 0x42 Decrypt damaged 6 \
    CKR_WRAPPED_KEY_INVALID unverified
row "wrong answer" CKR_BUFFER_TOO_SMALL 0x150 Decrypt protocol 6 \
    CKR_WRAPPED_KEY_INVALID unverified

# check says what to do.
BAD_HSM=Login=0xa0 ownkey check >out 2>err && die "check finds nothing"
has out pkcs11.pin_file
BAD_HSM=OpenSession=0xe0 ownkey check >out 2>err && die "check finds nothing"
has out "client software"

# ---- credentials: every source, taken and refused ----
# source NAME CONF-LINES ERROR: PIN from it; then taken away.
source_row() {
    printf 'pkcs11 | %-36s | %-8s | %s\n' "$1" "$2" "$3"
}
with() {
    {
        printf '[hsm]\nkek = %s\n' "$1"
        [ -z "$2" ] || echo "$2"
    } >other.conf
    chmod 600 other.conf
}
key="pkcs11:token=bad;object=kek?module-path=$bad"
refused() {
    # shellcheck disable=SC2086 # an exit code and words
    if ownkey unwrap hsm --config other.conf --in key.wrapped --out key \
        --force >out 2>err; then
        die "unwrapped: $1"
    fi
    has err "$2"
    has_not err 4321
    source_row "$1" refused "$(sed -n '1s/^ownkey: //p' err | cut -c 1-200)"
}
taken() {
    run ownkey unwrap hsm --config other.conf --in key.wrapped --out key \
        --force
    source_row "$1" obtained "C_Login with it"
}
for way in pin-source pin_file; do
    case $way in
    pin-source) with "$key&pin-source=file:$dir/other" "" ;;
    pin_file) with "$key" "pkcs11.pin_file = $dir/other" ;;
    esac
    rm -f other
    refused "$way: no file" "cannot be opened"
    (umask 077 && echo 1234 >other)
    taken "$way"
    chmod 644 other
    refused "$way: others may read it" "chmod 600"
    chmod 600 other
    echo 4321 >other
    refused "$way: wrong PIN" "PIN in $dir/other: C_Login"
    : >other
    refused "$way: empty" "empty"
done
with "$key" "pkcs11.pin_env = HSM_PIN"
refused "pin_env: not set" "HSM_PIN"
HSM_PIN=1234
export HSM_PIN
taken pin_env
HSM_PIN=4321
refused "pin_env: wrong PIN" "PIN in HSM_PIN: C_Login"
unset HSM_PIN
with "$key" ""
refused "none" "without a login"
with "$key&pin-value=4321" ""
refused "pin-value in the URI" "holds a PIN"
with "$key" "pkcs11.pin = 4321"
refused "pkcs11.pin in ownkey.conf" "not kept in this file"
