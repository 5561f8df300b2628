#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An exit code and a sentence for each class of failure.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
head -c 32 /dev/urandom >key
ownkey --config o.conf wrap main --in key --out wrapped || die wrap

# 2: usage
expect 2 ownkey
expect 2 ownkey nosuch
expect 2 ownkey --nosuch
expect 2 ownkey --config
expect 2 ownkey check --config
expect 2 ownkey status surplus
expect 2 ownkey key
expect 2 ownkey key list a b
expect 2 ownkey key nosuch main
expect 2 ownkey localkms rotate
expect 2 ownkey localkms nosuch f
expect 2 ownkey localkms nosuch
has err "unknown action nosuch"
expect 2 ownkey localkms create f --type des
has err "known are aes-256"
expect 2 ownkey localkms rotate main.key --type aes-256
expect 2 ownkey --json nosuch
json 'd["error"]["status"] == "usage"'
expect 0 ownkey --help
has out localkms
expect 0 ownkey -h
has out localkms
expect 0 ownkey --version
for c in init check status wrap unwrap key localkms; do
    expect 0 ownkey "$c" -h
    expect 0 ownkey "$c" --help
    has out "Usage: ownkey $c"
    expect 0 ownkey "$c" --version
done

# 3: configuration
expect 3 ownkey --config missing.conf status
has err "missing.conf: cannot be opened"
OWNKEY_CONF=$dir/missing.conf expect 3 ownkey status
has err "ownkey init"
printf '[global]\nlogg = off\n' >bad.conf
expect 3 ownkey --config bad.conf status
has err "bad.conf:2: unknown name \"logg\"; did you mean log?"
expect 3 ownkey --config bad.conf check --json
json '"did you mean" in d["error"]["text"]'
cp o.conf open.conf
chmod 666 open.conf
expect 3 ownkey --config open.conf status
has err "chmod go-w"
OWNKEY_CONF=$dir/open.conf expect 3 ownkey status # it is there: no init
has err "chmod go-w"
has_not err "ownkey init"
printf '[a]\nkek = localkms://%s/main.key\ncache = 5 minutes\n[b]\nkek = localkms://%s/main.key\n' \
    "$dir" "$dir" >half.conf
expect 3 ownkey --config half.conf check
has out "half.conf:3: cache = 5 minutes"
has out "unwrap         ok" # b works on
expect 3 ownkey --config half.conf wrap a --in key
expect 0 ownkey --config half.conf wrap b --in key
expect 3 ownkey --config half.conf status
has out misconfigured
printf '[a]\nkek = nosuchkms:///k\n' >scheme.conf
expect 3 ownkey --config scheme.conf check
has out "localkms"
has out "scheme.conf:2: "
: >none.conf
expect 3 ownkey --config none.conf check
has err "has no token"
printf '[a]\nkke = localkms://%s/main.key\n' "$dir" >kek.conf
expect 3 ownkey --config kek.conf check
has out "a: no KEK"
has out "did you mean kek?"

# A log that nobody will ever read is told of, and stops nothing.
{ printf '[global]\nlog = file:%s/missing/log\n' "$dir" && cat half.conf; } |
    grep -v cache >log.conf
expect 0 ownkey --config log.conf check
has out "warning: log: $dir/missing/log: cannot be written"
expect 0 ownkey --config log.conf check --json
json '"cannot be written" in d["log"]'
sed -i 's|/missing||' log.conf
expect 0 ownkey --config log.conf check
has_not out "warning: log"

# 4: denied
expect 0 ownkey localkms disable main.key
expect 4 ownkey --config o.conf unwrap main --in wrapped
[ ! -s out ] || die "something came out"
expect 4 ownkey --config o.conf wrap main --in key
expect 4 ownkey --config o.conf check
has out "to do:  ownkey localkms enable $dir/main.key"
expect 4 ownkey --config o.conf check --json
json 'not d["ok"] and d["tokens"][0]["steps"][1]["error"]["status"] == "disabled"'
json '"localkms enable" in d["tokens"][0]["steps"][1]["hint"]'
expect 4 ownkey --config o.conf status
has out disabled
expect 4 ownkey --config o.conf status --json
json 'd["tokens"][0]["state"] == "disabled"'
json 'd["tokens"][0]["last_error"]["status"] == "disabled"'
expect 0 ownkey --config o.conf status --offline
has out unverified
expect 0 ownkey localkms enable main.key
expect 0 ownkey --config o.conf unwrap main --in wrapped --out back
cmp -s back key || die "not the key after enabling"
mv main.key main.key.away
expect 4 ownkey --config o.conf unwrap main --in wrapped
expect 4 ownkey --config o.conf status --json
json 'd["tokens"][0]["state"] == "lost"'
mv main.key.away main.key

# 6: damaged
head -c 60 wrapped >short
expect 6 ownkey --config o.conf unwrap main --in short
has err "ownkey: short: "
expect 6 ownkey unwrap --inspect --in key
has err "ownkey: key: not a wrapped key"
expect 6 ownkey --json --config o.conf unwrap main --in short --out x
json 'd["error"]["status"] == "damaged"'
[ ! -e x ] || die "a file was made in spite of the error"
expect 0 ownkey localkms create new.key
mv new.key main.key # the same path, another KEK
expect 6 ownkey --config o.conf unwrap main --in wrapped

# Memory that cannot be locked is used, and everybody is told.
cat >unlocked <<'SH'
ulimit -l 0
exec "$OWNKEY_BUILDDIR/ownkey" "$@"
SH
unlocked() {
    if [ "$(id -u)" -eq 0 ]; then # root's limit is a capability
        setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock sh unlocked "$@"
    else
        sh unlocked "$@"
    fi
}
export OWNKEY_BUILDDIR
mv main.key new.key
expect 0 ownkey localkms create main.key
expect 0 unlocked --config o.conf check
has out "warning: secure memory"
has out "NOT LOCKED"
expect 0 unlocked --config o.conf status --json
json 'd["secure_memory"]["locked"] is False'
sed 's/^\[global\]$/&\nmlock = require/' o.conf >require.conf
expect 3 unlocked --config require.conf check
has err "mlock = require, but locking 1024 KiB of memory failed"
has err "LimitMEMLOCK="
