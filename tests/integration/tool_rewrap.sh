#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `ownkey rewrap`: to a newer version, from another KEK, in pipes and in place.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
OWNKEY_CONF=$dir/o.conf
export OWNKEY_CONF
head -c 32 /dev/urandom >key
expect 0 ownkey wrap main --in key --out old
expect 0 ownkey wrap main --in key --out old.b64 --base64
expect 0 ownkey wrap main --in key --context a=b --out bound

version() {
    ownkey unwrap --inspect --in "$1" | sed -n 's/^kek version *//p'
}

opens() {
    ownkey unwrap main --in "$@" | cmp -s - key || die "$1 opens to another key"
}

# Under the newest version there is nothing to do.
ownkey rewrap main old | cmp -s - old || die "a key was wrapped for nothing"
cp old same
expect 0 ownkey rewrap main --in-place same
has out "0 rewrapped, 1 already under the newest version, 0 failed"
cmp -s old same || die "an unchanged file changed"

# A pipe, with and without names; inside the service, in silence.
expect 0 ownkey localkms rotate main.key
ownkey rewrap main --no-plaintext <old >new 2>err || die "a pipe"
[ ! -s err ] || die "rewrap is not quiet"
[ "$(version old)" = 1 ] && [ "$(version new)" = 2 ] || die "versions"
opens new
ownkey rewrap main - <old >new2 || die "-"
opens new2
ownkey rewrap main old >new3 || die "a file to a pipe"
opens new3
ownkey rewrap main old.b64 >new4 || die "base64"
[ "$(wc -l <new4)" -eq 1 ] || die "base64 became binary"
opens new4
opens old # the older version still opens
expect 0 ownkey rewrap main --json old
json 'd["files"][0]["how"] == "inside_the_service" and d["rewrapped"] == 1'
json 'd["files"][0]["kek_version"] == "2" and len(d["files"][0]["wrapped"]) > 99'

# The context is that of the wrap.
expect 6 ownkey rewrap main bound
expect 0 ownkey rewrap main --context a=b bound
expect 6 ownkey rewrap main --context a=c bound

# In place: whole, with its mode, through a link.
mkdir d
cp old d/one
cp old.b64 d/two
chmod 640 d/one
ln -s d/one link
expect 0 ownkey rewrap main --in-place link d/two
has out "2 rewrapped, 0 already under the newest version, 0 failed"
[ -L link ] && [ "$(stat -c %a d/one)" = 640 ] || die "link or mode is lost"
[ "$(version d/one)" = 2 ] && [ "$(version d/two)" = 2 ] || die "in place"
opens d/one
opens d/two
base64 -d d/two >/dev/null 2>&1 || die "base64 in place became binary"
set -- d/*.*
[ ! -e "$1" ] || die "temporary files stay behind"

# One that fails does not keep the others from it; the first failure counts.
cp old d/one
cp key d/two
cp old d/three
expect 6 ownkey rewrap main --in-place d/two d/one d/missing d/three
has err "d/two: not a wrapped key"
has err "d/missing"
has out "2 rewrapped, 0 already under the newest version, 2 failed"
cmp -s key d/two || die "a damaged file was changed"
cp old d/one
expect 6 ownkey rewrap main --in-place --json d/two d/one d/missing
json '[f["ok"] for f in d["files"]] == [False, True, False]'
json 'd["failed"] == 2 and d["files"][0]["error"]["status"] == "damaged"'
expect 1 ownkey rewrap main --in-place d

# No room: the old file stays.
cp old d/one
(
    trap '' XFSZ
    ulimit -f 0
    ownkey rewrap main --in-place d/one 2>full.err
    echo "code $?"
) 2>/dev/null | cat >full
has full "code 1"
cmp -s old d/one || die "a full disk lost a key"
set -- d/one.*
[ ! -e "$1" ] || die "a full disk left a temporary file"

# Killed at any moment, and again: no file is lost, and a later run ends it.
sed -i 's|^\[main\]|&\nlocalkms.delay = 5ms|' o.conf
i=0
while [ $i -lt 30 ]; do
    cp old "d/many$i"
    i=$((i + 1))
done
for pause in 0.02 0.05 0.08 0.11 0.13; do
    ownkey rewrap main --in-place d/many* >/dev/null 2>&1 &
    sleep $pause
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    for f in d/many?? d/many?; do
        [ "$(wc -c <"$f")" -gt 100 ] || die "$f was lost"
    done
done
rm -f d/many*.*
expect 0 ownkey rewrap main --in-place d/many*
has out ", 0 failed"
for f in d/many*; do
    [ "$(version "$f")" = 2 ] || die "$f was left behind"
done
opens d/many0
opens d/many29

# From the KEK before this one.
expect 0 ownkey localkms create next.key
sed -i "s|main.key|next.key|" o.conf
expect 6 ownkey rewrap main old
has err "--from URI"
expect 6 ownkey unwrap main --in old
cp old d/one
cp new d/two
expect 0 ownkey rewrap main --no-plaintext --in-place \
    --from "localkms://$dir/main.key" d/one d/two
opens d/one
opens d/two
expect 0 ownkey rewrap main --in-place --from "localkms://$dir/main.key" d/one
has out "0 rewrapped, 1 already"
expect 4 ownkey rewrap main --from "localkms://$dir/nosuch.key" old
expect 3 ownkey rewrap main --from nonsense old

# Who may not gets nothing, and the rest is not tried.
expect 0 ownkey localkms disable next.key
expect 4 ownkey rewrap main --in-place --from "localkms://$dir/main.key" d/one old
has err "files not tried: 1"
expect 0 ownkey localkms enable next.key
expect 0 ownkey localkms disable main.key
expect 4 ownkey rewrap main --from "localkms://$dir/main.key" old
[ ! -s out ] || die "something came out"

expect 2 ownkey rewrap
expect 2 ownkey rewrap main --in-place
expect 2 ownkey rewrap main --in-place -
expect 2 ownkey rewrap main old new
expect 2 ownkey rewrap nosuch old
