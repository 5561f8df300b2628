#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program uses 50 data keys at full rate, through PKCS#11 and OpenSSL, and
# the key is taken away from it: at each service. Then the service itself.
#
#   leases.sh [--repeat N] [--bound] [--all] [SERVICE...]
#
# --repeat  how often the key is taken away; default once
# --bound   asserts the bound of doc/leases.md: not for a busy machine
# --all     everything at each service; else the outages at one of them
#
# The services are those of the test matrix, whose files start them.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
    skip "needs python3-cryptography"

here=$OWNKEY_SRCDIR/tests/integration
load=$OWNKEY_BUILDDIR/tests/load/lease_load
KEYS=50
THREADS=2
CACHE_MS=3000
REPEAT=1
bound=no
all=no
services=
while [ $# -gt 0 ]; do
    case $1 in
    --repeat) REPEAT=$2 && shift ;;
    --bound) bound=yes ;;
    --all) all=yes ;;
    *) services="$services $1" ;;
    esac
    shift
done
: "${services:=localkms awskms azurekms azurekms-hsm gcpkms hashivault}"
export REPEAT CACHE_MS

# no_of SERVICE, yes_of SERVICE: the orders that take the key and give it back.
no_of() {
    case $1 in
    localkms) echo "'$OWNKEY_BUILDDIR/ownkey' localkms disable '$PWD/kek.key'" ;;
    hashivault) echo "$control policy kms ''" ;;
    *) echo "$control deny" ;;
    esac
}
yes_of() {
    case $1 in
    localkms) echo "'$OWNKEY_BUILDDIR/ownkey' localkms enable '$PWD/kek.key'" ;;
    hashivault) echo "$control policy kms \"\$(cat policy)\"" ;;
    *) echo "$control clear" ;;
    esac
}

# configure SETTING...: of the token, whose KEK is symmetric to both faces.
configure() {
    sed '/^\[acme\]$/,/^\[acme\//{
        /^public_key/d
    }' ownkey.conf.first >ownkey.conf.new
    for setting in "$@"; do
        sed "s|^\[acme\]\$|&\n$setting|" ownkey.conf.new >ownkey.conf.next
        mv ownkey.conf.next ownkey.conf.new
    done
    mv ownkey.conf.new ownkey.conf
}

# run_load FACE WHAT NO YES CALLS
run_load() {
    face=$1
    shift
    case $face in
    pkcs11)
        /usr/bin/python3 "$OWNKEY_SRCDIR/tests/load/lease_run.py" "$@" -- \
            "$load" pkcs11 "$module" acme $KEYS $THREADS
        ;;
    openssl)
        OPENSSL_CONF=$PWD/openssl.cnf \
            /usr/bin/python3 "$OWNKEY_SRCDIR/tests/load/lease_run.py" "$@" -- \
            "$load" openssl acme $KEYS $THREADS
        ;;
    esac
}

# cell NAME FACE ARGUMENT...
cell() {
    name=$1
    shift
    if line=$(run_load "$@" 2>"$dir/err"); then
        printf '%-12s %-8s %-11s %s\n' "$service" "$1" "$name" "$line"
    else
        printf '%-12s %-8s %-11s FAILED\n' "$service" "$1" "$name"
        sed 's/^/    /' "$dir/err" >&2
        echo failed >>"$dir/failed"
    fi
}

# bounded MS: exports the bound, when it is asserted at all.
bounded() {
    BOUND_MS=
    [ "$bound" = no ] || BOUND_MS=$1
    export BOUND_MS
}

run_face() {
    face=$1
    no=$(no_of "$service")
    yes=$(yes_of "$service")
    # A round trip is nothing here.
    configure 'cache = 5m' 'probe = 1s'
    bounded 1200
    cell probes "$face" revocation "$no" "$yes" ''
    configure 'cache = 2s' 'probe = 24h' 'refresh = at_use'
    bounded 2000
    cell deadline "$face" revocation "$no" "$yes" ''
    case $all,$service in
    *,localkms) return 0 ;; # nothing that could be cut
    yes,* | no,awskms) ;;
    *) return 0 ;;
    esac
    configure 'cache = 3s' 'timeout = 1s'
    for how in before stall; do
        cell "cut $how" "$face" outage "$control cut $how" "$control clear" \
            "$control calls"
    done
}

run_service() {
    service=$1
    mkdir "$dir/$service"
    cd "$dir/$service" || exit 1
    # shellcheck disable=SC1091 # of the matrix
    . "$here/matrix/cells.sh"
    # shellcheck disable=SC1090 # one for each service
    . "$here/matrix/$service.sh"
    trap 'service_stop >/dev/null 2>&1 || :' EXIT
    prepare
    mv ownkey.conf ownkey.conf.first
    case $service in
    awskms) state=aws ;;
    hashivault) state=vault && policy >policy ;;
    azurekms*) state=azure ;;
    gcpkms) state=gcp ;;
    *) state=none ;;
    esac
    control="/usr/bin/python3 '$OWNKEY_SRCDIR/tests/cloud/ctl.py' '$PWD/$state'"
    for face in pkcs11 openssl; do
        run_face $face
    done
}

for service in $services; do
    (run_service "$service")
done
[ ! -e "$dir/failed" ] || exit 1
