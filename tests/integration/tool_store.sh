#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ownkey store: list, verify, rotate, export; and what check says of a store.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
localkms kek aes-256
cat >ownkey.conf <<CONF
[acme]
kek = localkms://$dir/kek
store = $dir/acme.db
[bare]
kek = localkms://$dir/kek
CONF

# Nothing is there yet.
expect 0 ownkey check acme
has out "store          ok      $dir/acme.db, made with its first object"
expect 0 ownkey store list acme
[ "$(wc -l <out)" -eq 1 ] || die "something is there"
expect 0 ownkey store verify acme
has out "0 objects are as they were sealed"
expect 3 ownkey store list bare
has err "token bare has no store; store = PATH in its section gives it one"

# Three objects.
run tool --keygen --key-type AES:32 --label master --id 01
run tool --keypairgen --key-type EC:prime256v1 --label pair --id 02
expect 0 ownkey check acme
has out "store          ok      $dir/acme.db"
expect 0 ownkey store list acme
has out "secret      AES"
has out "private     EC"
[ "$(wc -l <out)" -eq 4 ] || die "not three objects"
expect 0 ownkey store list acme --json
python3 -c '
import json, sys
o = json.load(open("out"))["objects"]
assert [x["class"] for x in o] == ["secret", "public", "private"], o
assert [x["id"] for x in o] == ["01", "02", "02"], o
assert {x["data_key"] for x in o} == {1}, o' || die "wrong JSON"
expect 0 ownkey store verify acme
has out "3 objects are as they were sealed, 0 are not"

# A new data key, and everything under it.
expect 0 ownkey store rotate acme
expect 0 ownkey store list acme --json
has out '"data_key":1'
expect 0 ownkey store rotate acme --compromised --reseal
has out "3 objects were sealed anew"
expect 0 ownkey store list acme --json
has_not out '"data_key":1'
run tool --sign -m ECDSA-SHA256 --id 02 -i ownkey.conf -o sig -f openssl

# A copy that opens like the original.
expect 0 ownkey store export acme --out "$dir/copy.db"
[ "$(stat -c %a copy.db)" = 600 ] || die "others may read the copy"
expect 1 ownkey store export acme --out "$dir/copy.db"
has err "copy.db: File exists"
expect 2 ownkey store export acme
run tool --delete-object --type secrkey --id 01
sed "s|acme.db|copy.db|" ownkey.conf >other.conf
expect 0 ownkey --config other.conf store verify acme
has out "3 objects are as they were sealed, 0 are not"
expect 0 ownkey store verify acme
has out "2 objects are as they were sealed, 0 are not"

# A changed attribute, and a changed file.
python3 - copy.db <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE object SET created_s = created_s + 1 WHERE id = 2")
db.commit()
PY
expect 6 ownkey --config other.conf store verify acme
has out "2 objects are as they were sealed, 1 are not"
has err "token acme, object 2: the object is not as it was sealed"
expect 6 ownkey --config other.conf store verify acme --json
has out '"damaged":1'
head -c 8192 /dev/zero >zero
dd if=zero of=copy.db bs=4096 seek=2 conv=notrunc status=none
expect 6 ownkey --config other.conf store verify acme
expect 6 ownkey --config other.conf check acme
has out "store          FAILED"

# The KEK says no: nothing can be opened, everything can be listed.
run ownkey localkms disable "$dir/kek"
expect 4 ownkey store verify acme
expect 0 ownkey store list acme
has out "pair"
run ownkey localkms enable "$dir/kek"

# Mistakes.
expect 2 ownkey store
expect 2 ownkey store burn acme
expect 2 ownkey store list acme --reseal
expect 2 ownkey store list acme --out x
expect 2 ownkey store list nobody
sed "s|$dir/acme.db|$dir/nowhere/acme.db|" ownkey.conf >other.conf
expect 1 ownkey --config other.conf check acme
has out "cannot be made, since this user cannot write in $dir/nowhere"
