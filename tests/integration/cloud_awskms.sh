#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The AWS KMS double keeps the protocol: its own tests, and boto3 against it.
set -eu
python=/usr/bin/python3
"$python" -c 'import cryptography, boto3' 2>/dev/null || {
    echo "needs python3-cryptography and python3-boto3"
    exit 77
}
exec "$python" "${OWNKEY_SRCDIR:-$(dirname "$0")/../..}/tests/cloud/test_awskms.py"
