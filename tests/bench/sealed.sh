#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys sealed in a token's store beside keys of SoftHSM, which keeps them in
# files; then what a million objects change. Usage: sealed.sh BUILDDIR
set -u
build=$(cd "${1:-.}" && pwd) || exit 1
src=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
OWNKEY_BUILDDIR=$build
OWNKEY_SRCDIR=$src
export OWNKEY_BUILDDIR OWNKEY_SRCDIR
. "$src/tests/integration/pkcs11_lib.sh"
. "$src/tests/integration/softhsm_lib.sh"
localkms kek aes-256
printf '[acme]\nkek = localkms://%s/kek\nstore = %s/acme.db\n' "$dir" "$dir" \
    >ownkey.conf

compare() {
    printf '%s\n%-20s %13s %13s\n' "$1" "" "ownkey" "SoftHSM"
    "$build/tests/bench/sealed" 10 "$module" 1 "$softhsm" 1234 || exit 1
}

compare "an empty token"
python3 - acme.db <<'PY' || exit 1
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("""
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
                            WHERE i < 1000000)
    INSERT INTO object (uid, data_key, version, created_s, attributes, salt,
                        sealed, class, key_type, label, cka_id)
    SELECT randomblob(16), 1, 1, 0, x'', randomblob(32), randomblob(48), 4, 31,
           CAST('object ' || i AS BLOB), CAST(i AS BLOB) FROM n""")
db.commit()
PY
compare "a million other objects in ownkey's store"
