#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The test matrix: every operation of every service, through PKCS#11, OpenSSL
# and the tool. A cell that passed was run with real programs, and what came
# out was verified without the face that made it. Prints the table, and fails
# when a cell failed or when doc/services.md says otherwise.
#
#   matrix.sh [SERVICE...]      default: all
#
# The services openbao and moto are programs that others wrote: they run what
# hashivault and awskms run, from scripts of their own (openbao.sh, moto.sh).
#
# matrix/SERVICE.sh starts the service (its double, SoftHSM) and writes
# ownkey.conf; matrix/cells.sh has the operations.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
/usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
    skip "needs python3-cryptography"
command -v softhsm2-util >/dev/null || skip "needs softhsm2"

here=$OWNKEY_SRCDIR/tests/integration
services='awskms azurekms azurekms-hsm gcpkms hashivault pkcs11 localkms'
operations='wrap unwrap rewrap sign-pkcs1 sign-pss sign-ec sign-ed25519
    decrypt-oaep mac derive'
faces='pkcs11 openssl tool'

# What there is no such thing of: SERVICE OPERATION FACES REASON. The tables of
# doc/services.md have these too.
nothing='
azurekms rewrap pkcs11,openssl plain OAEP does not name the version of a key
azurekms sign-ed25519 all Key Vault has no Ed25519 keys
azurekms mac all only Managed HSM has MAC keys
azurekms derive all the keys of Key Vault do not agree on secrets
azurekms-hsm sign-ed25519 all Managed HSM has no Ed25519 keys
azurekms-hsm mac all what its preview of HMAC takes is not documented
azurekms-hsm derive all the keys of Managed HSM do not agree on secrets
gcpkms derive all Cloud KMS has no key agreement
hashivault derive all transit gives no shared secrets out
moto sign-pkcs1 all moto hashes what is a digest already
moto sign-pss all moto hashes what is a digest already
moto sign-ec all moto hashes what is a digest already
moto sign-ed25519 all moto has no Ed25519 keys
moto decrypt-oaep all moto does not decrypt with RSA keys
moto mac all moto names the key in its reply without the ARN
moto derive all moto has no DeriveSharedSecret
'

title() {
    case $1 in
    sign-pkcs1) echo 'sign RSA PKCS#1' ;;
    sign-pss) echo 'sign RSA PSS' ;;
    sign-ec) echo 'sign EC' ;;
    sign-ed25519) echo 'sign Ed25519' ;;
    decrypt-oaep) echo 'decrypt OAEP' ;;
    mac) echo 'MAC' ;;
    *) echo "$1" ;;
    esac
}

# section_of SERVICE: of doc/services.md.
section_of() {
    case $1 in
    openbao) echo hashivault ;;
    *) echo "$1" ;;
    esac
}

# reason SERVICE OPERATION FACE: why there is no such thing, or nothing.
reason() {
    set -- "$(section_of "$1")" "$2" "$3"
    echo "$nothing" | while read -r of what by why; do
        case "$of $what ,$by," in
        "$1 $2 ,all," | "$1 $2 "*",$3,"*) echo "$why" ;;
        esac
    done
}

# cell OPERATION FACE: a line in ../results; what it said when it failed.
cell() {
    log=$1.$2.log
    (
        set -e
        "cell_$(echo "$1" | tr - _)" "$2"
    ) >"$log" 2>&1
    case $? in
    0) state=passed ;;
    *)
        state=FAILED
        sed "s/^/  $service, $1, $2: /" "$log" | head -n 12 >&2
        ;;
    esac
    echo "$service|$1|$2|$state" >>"$dir/results"
}

run_service() {
    service=$1
    mkdir "$dir/$service"
    cd "$dir/$service" || exit 1
    . "$here/matrix/cells.sh"
    # shellcheck disable=SC1090 # one for each service
    . "$here/matrix/$service.sh"
    trap 'service_stop >/dev/null 2>&1 || :' EXIT
    prepare
    for operation in $operations; do
        for face in $faces; do
            [ -n "$(reason "$service" "$operation" "$face")" ] ||
                cell "$operation" "$face"
        done
    done
}

# state SERVICE OPERATION FACE: passed, FAILED, or -
state() {
    if [ -n "$(reason "$@")" ]; then
        echo '-'
    else
        grep -qx "$1|$2|$3|passed" "$dir/results" && echo passed || echo FAILED
    fi
}

# row SERVICE OPERATION: SERVICE|OPERATION|PKCS#11|OpenSSL|tool|REASON
row() {
    line="$1|$(title "$2")"
    why=
    for face in $faces; do
        line="$line|$(state "$1" "$2" "$face")"
        why=${why:-$(reason "$1" "$2" "$face")}
    done
    echo "$line|$why"
}

table() {
    for service in $services; do
        for operation in $operations; do
            row "$service" "$operation"
        done
    done
}

# documented: the same, by the tables in doc/services.md. Their last column
# has what it was tested against, or begins with "no: " and has the reason.
documented() {
    sections=
    for service in $services; do
        sections="$sections $(section_of "$service")"
    done
    awk -F ' *[|] *' -v services="$sections " '
        /^## / { sub(/^## /, ""); sub(/:.*/, ""); service = $0 }
        !index(services, " " service " ") { next }
        NF == 9 && $2 != "operation" && $2 !~ /^-/ {
            why = sub(/^no: /, "", $8) ? $8 : ""
            print service "|" $2 "|" $5 "|" $6 "|" $7 "|" why
        }' "$OWNKEY_SRCDIR/doc/services.md"
}

[ $# -eq 0 ] || services=$*
: >results
for service in $services; do
    # Not "(...) || ...": that would switch off set -e in the cells.
    (run_service "$service")
done

table >table
echo 'service|operation|PKCS#11|OpenSSL|tool|' | cat - table |
    awk -F '|' '{ printf "%-12s %-16s %-8s %-8s %-8s%s\n", $1, $2, $3, $4, $5,
        $6 == "" ? "" : " " $6 }'
if grep -q 'FAILED' table; then
    echo "FAILED: see above" >&2
    exit 1
fi
# moto is not what the service is.
grep -v '^moto|' table | sed 's/^openbao|/hashivault|/' >ran
documented >documented
diff documented ran >differs || {
    echo "doc/services.md (<) and what ran (>) differ:" >&2
    cat differs >&2
    exit 1
}
