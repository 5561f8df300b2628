# SPDX-License-Identifier: Apache-2.0
# What the pkcs11_*.sh scripts share: a folder of their own, the module under
# test, a localkms configuration, and a few checks. Sourced, not run.
# shellcheck shell=sh

set -u
: "${OWNKEY_BUILDDIR:=$PWD}"
: "${OWNKEY_SRCDIR:=$PWD}"
module=$OWNKEY_BUILDDIR/.libs/ownkey-pkcs11.so
WRAP=0xCF4B0001
SESSION_KEY_GEN=0xCF4B0002
dir=$(mktemp -d "${TMPDIR:-/tmp}/ownkey-pkcs11.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir" || exit 1
OWNKEY_CONF=$dir/ownkey.conf
export OWNKEY_CONF

skip() {
    echo "skipped: $*"
    exit 77
}

die() {
    echo "FAILED: $*" >&2
    for f in out err; do
        [ -s "$f" ] && sed "s/^/  $f: /" "$f" >&2
    done
    exit 1
}

command -v pkcs11-tool >/dev/null || skip "needs pkcs11-tool (opensc)"
# A program without the sanitizer's runtime cannot load such a module.
[ "${OWNKEY_SANITIZERS:-no}" = no ] || skip "the module has sanitizers"

ownkey() {
    "$OWNKEY_BUILDDIR/ownkey" "$@"
}

# run COMMAND...: must succeed; output in ./out, messages in ./err.
run() {
    "$@" >out 2>err </dev/null || die "exit $?: $*"
}

# fails COMMAND...: must not succeed.
fails() {
    if "$@" >out 2>err </dev/null; then die "worked: $*"; fi
}

# expect CODE COMMAND...: its exit code; output in ./out, messages in ./err.
expect() {
    want=$1
    shift
    "$@" >out 2>err </dev/null
    got=$?
    [ "$got" -eq "$want" ] || die "exit $got instead of $want: $*"
}

tool() {
    pkcs11-tool --module "$module" "$@"
}

# has FILE TEXT: a fixed string on some line.
has() {
    grep -Fq -e "$2" "$1" || die "no \"$2\" in $1"
}

has_not() {
    if grep -Fq -e "$2" "$1"; then die "\"$2\" in $1"; fi
}

# id_of CLASS LABEL [OPTION...]: the CKA_ID that pkcs11-tool shows.
id_of() {
    class=$1
    label=$2
    shift 2
    tool "$@" -O --type "$class" 2>/dev/null | awk -v label="$label" '
        $1 == "label:" { hit = $2 == label }
        $1 == "ID:" && hit { print $2; exit }'
}

# localkms NAME TYPE: a key file, its public part, its counter.
localkms() {
    run ownkey localkms create "$dir/$1" --type "$2"
    : >"$1.calls"
}

# calls NAME: how many KMS calls there were on that key.
calls() {
    wc -l <"$1.calls" | tr -d ' '
}

# calls_are NAME N
calls_are() {
    [ "$(calls "$1")" -eq "$2" ] || die "$(calls "$1") KMS calls on $1, not $2"
}

# localkms_conf: tokens "demo" and "rsakek", one key of each kind in "demo".
localkms_conf() {
    localkms kek aes-256
    printf '[demo]\nkek = localkms://%s/kek\n' "$dir" >ownkey.conf
    chmod 600 ownkey.conf
    for k in rsa:rsa-2048 p256:ec-p256 p384:ec-p384 ed:ed25519; do
        localkms "${k%:*}" "${k#*:}"
        printf '[demo/%s]\nkey = localkms://%s/%s\n' "${k%:*}" "$dir" \
            "${k%:*}" >>ownkey.conf
    done
    for k in rsa p256 p384 ed; do
        run ownkey key public "demo/$k"
        mv out "$k.pem"
        sed -i "s|^\[demo/$k\]|&\npublic_key = $dir/$k.pem|" ownkey.conf
        : >"$k.calls"
    done
    helper=$OWNKEY_BUILDDIR/tests/integration/provider_helper
    run "$helper" create "$dir/rsakek" rsa-2048 "$dir/rsakek.der"
    run openssl pkey -pubin -inform DER -in rsakek.der -out rsakek.pem
    : >rsakek.calls
    printf '[rsakek]\nkek = localkms://%s/rsakek\npublic_key = %s\n' "$dir" \
        "$dir/rsakek.pem" >>ownkey.conf
}
