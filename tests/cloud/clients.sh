#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The services' own client libraries, in a private environment.
#
#   clients.sh DIR
#
# makes it below DIR from requirements.txt unless it is there already, and
# prints the path of its python. Exit 77: cannot be made here, and why on
# stderr; 1 instead for root, who runs all tests and may skip none.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
wanted=$here/requirements.txt
env=${1:?a directory for the environment}/clients-env

cannot() {
    {
        echo "The client libraries are missing: $1"
        echo "They are listed in $wanted."
        [ ! -s "$env.log" ] || tail -n 5 "$env.log"
    } >&2
    [ "$(id -u)" -eq 0 ] && exit 1
    exit 77
}

build() {
    rm -rf "$env" "$env.log"
    "$python" -m venv "$env" >"$env.log" 2>&1 ||
        cannot "$python -m venv does not work; Debian has it in python3-venv."
    # What is not to be had must fail soon: the tests wait for it.
    "$env/bin/python" -m pip --disable-pip-version-check --no-input \
        --retries 2 --timeout 20 install --requirement "$wanted" \
        >"$env.log" 2>&1 ||
        cannot "pip cannot install them, without a network for example."
    cp "$wanted" "$env/made-from"
}

mkdir -p "$1"
exec 9>"$env.lock"
flock 9
cmp -s "$wanted" "$env/made-from" || build
echo "$env/bin/python"
