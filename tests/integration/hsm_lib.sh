# SPDX-License-Identifier: Apache-2.0
# What the hsm_*.sh scripts share. Sourced, not run.
# shellcheck shell=sh

. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/softhsm_lib.sh"

# expect CODE COMMAND...: its exit code; output in ./out, messages in ./err.
expect() {
    want=$1
    shift
    "$@" >out 2>err </dev/null
    got=$?
    [ "$got" -eq "$want" ] || die "exit $got instead of $want: $*"
}
