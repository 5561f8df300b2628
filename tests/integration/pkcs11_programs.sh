#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that speak PKCS#11: GnuTLS's p11tool, OpenSSH, p11-kit.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
localkms_conf
some=no

if command -v p11tool >/dev/null; then
    some=yes
    run p11tool --provider "$module" --list-tokens
    has out "token=demo"
    run p11tool --provider "$module" --list-all 'pkcs11:token=demo'
    has out "object=p256;type=private"
    calls_are p256 0
    for k in rsa p256; do
        run p11tool --provider "$module" \
            --test-sign "pkcs11:token=demo;object=$k;type=private"
    done
    calls_are p256 1
fi

if command -v ssh-keygen >/dev/null; then
    some=yes
    ssh-keygen -D "$module" >out 2>err || die "ssh-keygen -D"
    has out "ecdsa-sha2-nistp256"
    has out "ssh-rsa"
fi

if command -v p11-kit >/dev/null; then
    some=yes
    sed "s|^module: .*|module: $module|" \
        "$OWNKEY_BUILDDIR/pkcs11/ownkey.module" >ownkey.module
    grep -q '^module: /' "$OWNKEY_BUILDDIR/pkcs11/ownkey.module" ||
        die "the module file has no path"
    mkdir -p home/pkcs11/modules
    cp ownkey.module home/pkcs11/modules/
    echo "x-init-reserved: config=$dir/ownkey.conf" \
        >>home/pkcs11/modules/ownkey.module
    echo "user-config: only" >home/pkcs11/pkcs11.conf
    # p11-kit ignores the home of root and of changed users.
    if [ "$(id -u)" -ne 0 ]; then
        run env -u OWNKEY_CONF XDG_CONFIG_HOME="$dir/home" \
            p11-kit list-modules
        has out "token: demo"
    fi
fi
[ "$some" = yes ] || skip "none of the programs is here"
