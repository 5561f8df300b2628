# SPDX-License-Identifier: Apache-2.0
# What the hsm_*.sh scripts share. Sourced, not run.
# shellcheck shell=sh

. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
. "${OWNKEY_SRCDIR:-.}/tests/integration/softhsm_lib.sh"
