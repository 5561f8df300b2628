#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The service doubles do as they are told: their own tests, which need no
# library of the service.
set -eu
python=/usr/bin/python3
"$python" -c 'import cryptography' 2>/dev/null || {
    echo "needs python3-cryptography"
    exit 77
}
cd "${OWNKEY_SRCDIR:-$(dirname "$0")/../..}/tests/cloud"
"$python" test_frame.py
"$python" test_azure.py
"$python" test_gcpkms.py
"$python" test_hashivault.py
