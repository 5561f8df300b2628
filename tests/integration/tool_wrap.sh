#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `ownkey wrap` and `ownkey unwrap`: pipes, files, contexts, damage.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
printf '\n[other]\nkek = localkms://%s/main.key\n' "$dir" >>o.conf
head -c 32 /dev/urandom >key

# Files and pipes.
expect 0 ownkey wrap main --in key --out wrapped
[ ! -s out ] && [ ! -s err ] || die "wrap is not quiet"
[ "$(stat -c %a wrapped)" = 600 ] || die "wrapped is not 0600"
ownkey unwrap main <wrapped | cmp -s - key || die "another key came back"
ownkey wrap main --base64 <key >text || die "wrap --base64"
[ "$(wc -l <text)" -eq 1 ] || die "base64 is not one line"
fold -w 64 text | ownkey unwrap main | cmp -s - key || die "folded base64"
expect 0 ownkey unwrap main --in wrapped --base64 --out key.b64
base64 -d key.b64 | cmp -s - key || die "unwrap --base64"
[ "$(stat -c %a key.b64)" = 600 ] || die "a key file is not 0600"
ownkey wrap main --generate 48 | ownkey unwrap main >made || die "generate"
[ "$(wc -c <made)" -eq 48 ] || die "generate made another length"
head -c 4064 /dev/urandom >long
ownkey wrap main <long | ownkey unwrap main | cmp -s - long || die "4064 bytes"

# Never over an existing file, whole or not at all.
expect 1 ownkey unwrap main --in wrapped --out key.b64
has err "key.b64 exists and is left as it is"
base64 -d key.b64 | cmp -s - key || die "the file was changed"
expect 0 ownkey unwrap main --in wrapped --out key.b64 --force
cmp -s key.b64 key || die "--force did not replace"
expect 1 ownkey wrap main --in key --out missing/folder
expect 0 ownkey unwrap main --in wrapped --out /dev/null
[ -c /dev/null ] || die "/dev/null was replaced"
set -- key.b64.* wrapped.*
[ ! -e "$1" ] && [ ! -e "$2" ] || die "temporary files stay behind"

# A full device is no success.
if [ -c /dev/full ]; then
    expect 1 ownkey unwrap main --in wrapped --out /dev/full
    ownkey unwrap main --in wrapped >/dev/full 2>/dev/null && die "/dev/full"
    ownkey status >/dev/full 2>/dev/null && die "status to /dev/full"
fi

# Contexts bind.
expect 0 ownkey wrap main --context a=1 --context b=2 --in key --out bound
expect 0 ownkey unwrap main --context b=2 --context a=1 --in bound --out k2
cmp -s k2 key || die "the order of contexts counts"
expect 6 ownkey unwrap main --in bound
expect 6 ownkey unwrap main --context a=1 --in bound
expect 6 ownkey unwrap main --context a=1 --context b=3 --in bound
expect 6 ownkey unwrap main --context a=1 --in wrapped
expect 6 ownkey unwrap other --in wrapped
[ ! -s out ] || die "something came out"
expect 2 ownkey wrap main --context novalue --in key
expect 2 ownkey wrap main --context ownkey-token=x --in key
expect 2 ownkey wrap main --context a=1 --context a=2 --in key

# Damage.
expect 6 ownkey unwrap main --in key
head -c 100 wrapped >short
expect 6 ownkey unwrap main --in short
(cat wrapped && printf x) >longer
expect 6 ownkey unwrap main --in longer
python3 - <<'PY' || die python
data = bytearray(open("wrapped", "rb").read())
data[-1] ^= 1
open("flipped", "wb").write(data)
PY
expect 6 ownkey unwrap main --in flipped
head -c 1048576 /dev/urandom >noise
expect 6 ownkey unwrap main --in noise
has err "longer than"
: >empty
expect 6 ownkey unwrap main --in empty
expect 6 ownkey unwrap main
expect 1 ownkey unwrap main --in missing
expect 2 ownkey wrap main --in empty
(cat long && printf x) >toolong
expect 2 ownkey wrap main --in toolong
has err "longer than 4064 bytes"
expect 6 ownkey unwrap --inspect --in noise

# What the header says, without a configuration.
OWNKEY_CONF=/nonexistent
expect 0 ownkey unwrap --inspect --in wrapped
has out "service      localkms"
expect 0 ownkey unwrap --inspect --json --in wrapped
json 'd["service"] == "localkms" and d["kek_version"] == "1" and d["bytes"] > 100'
expect 3 ownkey unwrap main --in wrapped
OWNKEY_CONF=$dir/o.conf

# JSON never holds a key.
expect 0 ownkey wrap main --json --in key
json 'd["token"] == "main" and len(d["wrapped"]) > 100'
expect 2 ownkey unwrap main --json --in wrapped
json 'd["error"]["status"] == "usage"'
expect 0 ownkey unwrap main --json --in wrapped --out k3
json 'd["file"] == "k3" and d["bytes"] == 32'
cmp -s k3 key || die "unwrap --json --out"

# A key is not written to a terminal.
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then # a pty
    script -qec "$OWNKEY_BUILDDIR/ownkey unwrap main --in wrapped; echo code=\$?" \
        /dev/null </dev/null >typed 2>&1
    has typed "not written to a terminal"
    has typed "code=2"
fi

expect 2 ownkey wrap
expect 2 ownkey wrap main other
expect 2 ownkey wrap main --generate 0
expect 2 ownkey wrap main --generate 4065
expect 2 ownkey wrap main --generate 32 --in key
expect 2 ownkey wrap main --generate
has err "--generate needs a value"
expect 2 ownkey unwrap main --inspect
expect 2 ownkey wrap nosuch --in key
has err "there is: main, other"
