#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The services' own client libraries work with the doubles as with the
# service: every tests/cloud/test_client_*.py.
set -eu
cloud=$(cd "${OWNKEY_SRCDIR:-$(dirname "$0")/../..}/tests/cloud" && pwd)
python=$(sh "$cloud/clients.sh" "${OWNKEY_BUILDDIR:-$PWD}/tests") || exit $?
failed=0
for test in "$cloud"/test_client_*.py; do
    echo "== ${test##*/}"
    "$python" "$test" || failed=1
done
exit "$failed"
