# SPDX-License-Identifier: Apache-2.0
# A token "demo", PIN 1234 (in the file pin), in SoftHSM, in the current
# folder. Sourced on top of pkcs11_lib.sh.
# shellcheck shell=sh

softhsm=
for so in /usr/lib/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so; do
    [ ! -r "$so" ] || softhsm=$so
done
[ -n "$softhsm" ] || skip "needs SoftHSM (softhsm2)"
command -v softhsm2-util >/dev/null || skip "needs softhsm2-util"

mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' \
    "$PWD" >softhsm2.conf
echo 'log.level = ERROR' >>softhsm2.conf
SOFTHSM2_CONF=$PWD/softhsm2.conf
export SOFTHSM2_CONF
run softhsm2-util --init-token --free --label demo --pin 1234 --so-pin 5678
(umask 077 && echo 1234 >pin)

# hsm OPTION...: pkcs11-tool on SoftHSM itself, as its owner uses it.
hsm() {
    pkcs11-tool --module "$softhsm" --token-label demo --login --pin 1234 "$@"
}

# uri OBJECT [QUERY]: of a key on the token.
uri() {
    echo "pkcs11:token=demo;object=$1?module-path=$softhsm${2:+&$2}"
}
