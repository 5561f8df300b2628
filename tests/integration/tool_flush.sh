#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ownkey flush, as an operator types it. What processes do then is in
# tests/unit/test_flush.c.
. "${OWNKEY_SRCDIR:-.}/tests/integration/tool_lib.sh"

ownkey init --output o.conf >/dev/null 2>&1 || die init
sed "s|^\[global\]\$|&\nflush_dir = $dir/run|" o.conf >f.conf
umask 077 # root's, often: all are to pass through all the same
expect 0 ownkey --config f.conf flush main
[ "$(stat -c %a run run/token.main | tr '\n' ' ')" = "755 644 " ] ||
    die "not for all"
has err "flushed main in $dir/run: processes with that flush_dir drop"
first=$(stat -c %i:%Z "run/token.main") || die "no file"
expect 0 ownkey --config f.conf flush main
[ "$first" != "$(stat -c %i:%Z "run/token.main")" ] || die "the same file"
[ ! -e run/all ] || die "all were flushed"
expect 0 ownkey --config f.conf flush --json
json 'd == {"flushed": "all", "flush_dir": "'"$dir"'/run"}'
[ -f run/all ] || die "no file for all"
[ -z "$(find run -name '.new*')" ] || die "something was left"

expect 2 ownkey --config f.conf flush other
has err "no token other in the configuration"
expect 2 ownkey --config f.conf flush main other
sed "s|^flush_dir.*|flush_dir = none|" f.conf >none.conf
expect 3 ownkey --config none.conf flush
has err "nobody would hear of it"
sed "s|^flush_dir.*|flush_dir = $dir/no/such|" f.conf >bad.conf
expect 1 ownkey --config bad.conf flush
has err "cannot make the folder $dir/no/such"
