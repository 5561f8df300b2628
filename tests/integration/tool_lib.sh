# SPDX-License-Identifier: Apache-2.0
# What the tool_*.sh scripts share: a folder of their own, the command under
# test, and a few checks. Sourced, not run.
# shellcheck shell=sh

set -u
umask 022
: "${OWNKEY_BUILDDIR:=$PWD}"
unset OWNKEY_CONF
dir=$(mktemp -d "${TMPDIR:-/tmp}/ownkey-tool.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir" || exit 1

ownkey() {
    "$OWNKEY_BUILDDIR/ownkey" "$@"
}

die() {
    echo "FAILED: $*" >&2
    for f in out err; do
        [ -s "$f" ] && sed "s/^/  $f: /" "$f" >&2
    done
    exit 1
}

# expect CODE COMMAND...: its exit code; output in ./out, messages in ./err.
expect() {
    want=$1
    shift
    "$@" >out 2>err </dev/null
    got=$?
    [ "$got" -eq "$want" ] || die "exit $got instead of $want: $*"
}

# has FILE TEXT: a fixed string on some line.
has() {
    grep -Fq -e "$2" "$1" || die "no \"$2\" in $1"
}

has_not() {
    if grep -Fq -e "$2" "$1"; then die "\"$2\" in $1"; fi
}

# json EXPRESSION: of d, the JSON object in ./out; it must be true.
json() {
    python3 -c 'import json, sys
d = json.load(open("out"))
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" || die "not so: $1"
}
