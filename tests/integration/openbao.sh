#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hashivault against a real OpenBao: what the matrix has of it, and what its
# owner does to take a key away and give it back, by OpenBao's own command
# line. The same runs against our double, so that the two do not drift apart.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
here=$OWNKEY_SRCDIR/tests/integration
sh "$OWNKEY_SRCDIR/tests/cloud/clients.sh" "$OWNKEY_BUILDDIR/tests" >/dev/null ||
    exit $?
sh "$here/matrix.sh" openbao || exit $?

# allow PATH...: all that the token may do from now on.
allow() {
    for path in "$@"; do
        echo "path \"$path\" { capabilities = [\"create\", \"read\", \"update\"] }"
    done >policy.hcl
    run bao policy write kms policy.hcl
}

all_of() {
    allow "transit/encrypt/$1" "transit/decrypt/$1" "transit/keys/$1"
}

# opens [OPTION...]: the wrapped key, to what it was.
opens() {
    run ownkey unwrap acme --in wrapped --out again --force "$@"
    cmp key again || die "$service: another key"
}

# says CODE TEXT COMMAND...
says() {
    code=$1
    text=$2
    shift 2
    expect "$code" "$@"
    cat out >>err
    has err "$text"
}

denied_and_gone() {
    run ownkey wrap acme --in key --out wrapped --force
    expect 0 ownkey check
    allow transit/encrypt/kek transit/keys/kek
    says 4 transit/decrypt/kek ownkey unwrap acme --in wrapped
    all_of kek
    opens

    # Another key in its place, of the same name, opens nothing.
    cp wrapped of-the-first
    run bao write transit/keys/kek/config deletion_allowed=true
    run bao delete transit/keys/kek
    says 4 "" ownkey unwrap acme --in wrapped
    says 4 "" ownkey wrap acme --in key --out no
    says 4 "" ownkey status
    fails bao read transit/keys/kek # nor was it made by a wrap
    run bao write -f transit/keys/kek
    says 6 "" ownkey unwrap acme --in of-the-first
    run ownkey wrap acme --in key --out wrapped --force
    opens
}

versions() {
    run ownkey unwrap --inspect --in wrapped
    has out "kek version  1"
    run bao write -f transit/keys/kek/rotate
    opens
    cp wrapped old
    run ownkey rewrap acme --in-place wrapped
    run ownkey unwrap --inspect --in wrapped
    has out "kek version  2"
    run bao write transit/keys/kek/config min_decryption_version=2
    opens
    says 4 "" ownkey unwrap acme --in old
    run bao write transit/keys/kek/config min_decryption_version=1
    run ownkey unwrap acme --in old --out again --force
}

disabled() {
    run bao delete transit/keys/kek/soft-delete
    says 4 "" ownkey unwrap acme --in wrapped
    says 4 disabled ownkey status
    run bao write -f transit/keys/kek/soft-delete-restore
    opens
}

derived() {
    run bao write transit/keys/derived derived=true
    allow transit/encrypt/derived transit/decrypt/derived \
        transit/keys/derived transit/rewrap/derived
    sed 's|//kek|//derived|' ownkey.conf >derived.conf
    run ownkey wrap acme --config derived.conf --in key --out wrapped --force \
        --context a=b
    opens --config derived.conf --context a=b
    run bao write -f transit/keys/derived/rotate
    run ownkey rewrap acme --config derived.conf --in-place wrapped \
        --no-plaintext --context a=b
    opens --config derived.conf --context a=b
    run ownkey unwrap --inspect --in wrapped
    has out "kek version  2"
}

logins() {
    all_of kek
    run bao auth enable -path=ours approle
    run bao write auth/ours/role/app token_policies=kms token_ttl=1h
    run bao read -field=role_id auth/ours/role/app/role-id
    role=$(cat out)
    run bao write -f -field=secret_id auth/ours/role/app/secret-id
    cp out secret-id
    sed "s|//kek|&\nvault.auth = approle\nvault.auth_mount = ours\nvault.role_id = $role\n\
vault.secret_id_file = $PWD/secret-id|" ownkey.conf >approle.conf
    run ownkey wrap acme --config approle.conf --in key --out wrapped --force
    opens
    opens --config approle.conf
    echo 00000000-0000-0000-0000-000000000000 >secret-id
    says 5 "" ownkey unwrap acme --config approle.conf --in wrapped
}

namespaces() {
    run bao namespace create team
    run bao secrets enable -namespace=team transit
    run bao write -f -namespace=team transit/keys/kek
    run bao policy write -namespace=team kms policy.hcl
    run bao token create -namespace=team -policy=kms -ttl=1h -field=token
    cp out token
    sed "s|//kek|&\nvault.namespace = team\nvault.token_file = $PWD/token|" \
        ownkey.conf >team.conf
    run ownkey wrap acme --config team.conf --in key --out theirs --force
    run ownkey unwrap acme --config team.conf --in theirs --out again --force
    cmp key again || die "$service: another key"
    says 6 "" ownkey unwrap acme --in theirs
    sed 's|= team|= other|' team.conf >other.conf
    says 3 "" ownkey wrap acme --config other.conf --in key --out no
}

seal() {
    if [ "$service" = openbao ]; then
        unseal=$(sed -n 's/^Unseal Key: *//p' peer.log)
        run bao operator seal
    else
        run ctl seal
    fi
    says 5 "" ownkey unwrap acme --in wrapped
    says 5 "" ownkey status
    if [ "$service" = openbao ]; then
        run bao operator unseal "$unseal"
    else
        run ctl unseal
    fi
    until_it "serves again" ownkey unwrap acme --in wrapped --out again --force
}

dead_token() {
    run bao token revoke "$VAULT_TOKEN"
    says 5 VAULT_TOKEN ownkey unwrap acme --in wrapped
    (
        VAULT_TOKEN=
        unset VAULT_TOKEN
        HOME=$PWD
        export HOME
        says 5 "" ownkey unwrap acme --in wrapped
    ) || exit 1
}

flows() {
    head -c 32 /dev/urandom >key
    printf '[acme]\nkek = hashivault://kek\n' >ownkey.conf
    OWNKEY_CONF=$PWD/ownkey.conf
    denied_and_gone
    versions
    disabled
    logins
    namespaces
    derived
    all_of kek
    run ownkey wrap acme --in key --out wrapped --force
    seal
    dead_token
}

for service in openbao double; do
    (
        umask 077
        mkdir "$service"
        cd "$service" || exit 1
        . "$here/matrix/openbao.sh"
        if [ "$service" = double ]; then
            . "$here/matrix/hashivault.sh"
            flavor=--openbao
        fi
        keys=kek=aes256-gcm96
        trap 'service_stop >/dev/null 2>&1' EXIT
        start_vault
        flows
    ) || exit 1
done
