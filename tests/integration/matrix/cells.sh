# SPDX-License-Identifier: Apache-2.0
# The operations of the matrix, each through each face, verified by another
# one or by plain OpenSSL. Sourced by matrix.sh, in a folder of one service.
#
# The service's file has
#   service_start         makes ./ownkey.conf: token "acme", and its remote keys
#                         rsa, pss, ec, ed, dec, mac, agree as far as there are
#   service_public NAME   prints the public key of one, from the service itself
#   service_rotate        new key material for the KEK, if it can have that
#   service_stop
# and may set
#   versions=yes          a wrapped key says the version of its KEK
#   oaep=sha1             the hash of OAEP; default sha256
# shellcheck shell=sh
# shellcheck disable=SC2154 # dir, service: of matrix.sh

versions=no
oaep=sha256
service_stop() { :; }

# section NAME URI [SETTING...]: a section of ownkey.conf, [NAME].
section() {
    case $1 in
    */*) kind=key ;;
    *) kind=kek ;;
    esac
    printf '[%s]\n%s = %s\n' "$1" $kind "$2"
    shift 2
    for setting in "$@"; do
        echo "$setting"
    done
}

# remote NAME URI [SETTING...]: a remote key of the token, with its public key.
remote() {
    service_public "$1" >"$1.pem" || die "$service: no public key of $1"
    name=$1
    uri=$2
    shift 2
    section "acme/$name" "$uri" "public_key = $PWD/$name.pem" "$@"
}

prepare() {
    OWNKEY_CONF=$PWD/ownkey.conf
    sed -e "s|^#module = .*|module = $OWNKEY_BUILDDIR/.libs/ownkey.so|" \
        -e "s|^#config = .*|config = $OWNKEY_CONF|" \
        "$OWNKEY_SRCDIR/conf/openssl.cnf.sample" >openssl.cnf
    umask 077
    head -c 32 /dev/urandom >key
    head -c 1000 /dev/urandom >msg
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
        -out peer.key 2>/dev/null
    openssl pkey -in peer.key -pubout -out peer.pem
    openssl pkey -in peer.key -pubout -outform DER -out peer.der
    service_start
}

with_openssl() {
    OPENSSL_CONF=$PWD/openssl.cnf openssl "$@"
}

p11() {
    tool --token-label acme "$@"
}

# own CLASS NAME: the option that names an object of the token.
own() {
    id_of "$1" "$2" --token-label acme
}

# ---- wrap, unwrap, rewrap: FACE_IN_OUT --------------------------------------

wrap_tool() { ownkey wrap acme --in "$1" --out "$2" --force; }
unwrap_tool() { ownkey unwrap acme --in "$1" --out "$2" --force; }
rewrap_tool() {
    cp "$1" "$2"
    ownkey rewrap acme --in-place "$2"
}

wrap_openssl() {
    with_openssl pkeyutl -encrypt -inkey ownkey:acme -in "$1" -out "$2"
}
unwrap_openssl() {
    with_openssl pkeyutl -decrypt -inkey ownkey:acme -in "$1" -out "$2"
}
rewrap_openssl() {
    unwrap_openssl "$1" opened
    wrap_openssl opened "$2"
}

# pkcs11-tool makes no key that it wraps in the same process, and never shows
# an unwrapped one; so it opens one and wraps that.
rewrap_pkcs11() {
    p11 --unwrap -m "$WRAP" --id "$(own secrkey acme)" -i "$1" \
        --key-type AES: --extractable --application-id 77 --wrap -o "$2"
}
wrap_pkcs11() {
    wrap_tool "$1" before
    rewrap_pkcs11 before "$2"
    differ before "$2"
}
unwrap_pkcs11() {
    rewrap_pkcs11 "$1" after
    unwrap_tool after "$2"
}

differ() {
    if cmp -s "$1" "$2"; then
        echo "$2 is what $1 is"
        return 1
    fi
}

# readers FACE: the faces that open what it wraps.
readers() {
    echo "$faces"
}

# opens FACE WRAPPED: to the key.
opens() {
    rm -f got
    "unwrap_$1" "$2" got
    cmp key got
}

cell_wrap() {
    "wrap_$1" key "wrapped.$1"
    for other in $(readers "$1"); do
        opens "$other" "wrapped.$1"
    done
}

cell_unwrap() {
    for maker in $(readers "$1"); do
        opens "$1" "wrapped.$maker"
    done
}

version() {
    ownkey unwrap --inspect --in "$1" | sed -n 's/^kek version *//p'
}

# What was wrapped before the rotation, by the face that is tried.
cell_rewrap() {
    cp "wrapped.$1" old
    [ -e rotated ] || service_rotate
    : >rotated
    opens "$1" old
    "rewrap_$1" old new
    differ old new
    for other in $(readers "$1"); do
        opens "$other" new
    done
    [ "$versions" = no ] || differ_in_version old new
}

differ_in_version() {
    echo "version before: $(version "$1"), after: $(version "$2")"
    [ -n "$(version "$1")" ] && [ "$(version "$1")" != "$(version "$2")" ]
}

# ---- signatures -------------------------------------------------------------

# verified NAME [OPTION...]: sig over msg, by plain OpenSSL.
verified() {
    name=$1
    shift
    openssl dgst -sha256 -verify "$name.pem" -signature sig "$@" msg
}

p11_sign() {
    p11 --sign -m "$1" --id "$(own privkey "$2")" -i msg -o sig
}

cell_sign_pkcs1() {
    rm -f sig
    case $1 in
    tool) ownkey key sign acme/rsa --hash sha256 --in msg --out sig ;;
    openssl) with_openssl dgst -sha256 -sign ownkey:acme/rsa -out sig msg ;;
    pkcs11) p11_sign SHA256-RSA-PKCS rsa ;;
    esac
    verified rsa
}

cell_sign_pss() {
    pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32'
    rm -f sig
    # shellcheck disable=SC2086 # a list of options
    case $1 in
    tool) ownkey key sign acme/pss --pss --hash sha256 --in msg --out sig ;;
    openssl) with_openssl dgst -sha256 -sign ownkey:acme/pss $pss -out sig msg ;;
    pkcs11) p11_sign SHA256-RSA-PKCS-PSS pss ;;
    esac
    # shellcheck disable=SC2086
    verified pss $pss
}

cell_sign_ec() {
    rm -f sig
    case $1 in
    tool) ownkey key sign acme/ec --hash sha256 --in msg --out sig ;;
    openssl) with_openssl dgst -sha256 -sign ownkey:acme/ec -out sig msg ;;
    pkcs11)
        p11_sign ECDSA-SHA256 ec
        mv sig raw
        ecdsa_der <raw >sig
        ;;
    esac
    verified ec
}

# PKCS#11 has r and s one behind the other, OpenSSL a SEQUENCE.
ecdsa_der() {
    /usr/bin/python3 -c 'import sys
from cryptography.hazmat.primitives.asymmetric import utils
raw = sys.stdin.buffer.read()
assert len(raw) == 64
r, s = (int.from_bytes(raw[i:i + 32], "big") for i in (0, 32))
sys.stdout.buffer.write(utils.encode_dss_signature(r, s))'
}

cell_sign_ed25519() {
    rm -f sig
    case $1 in
    tool) ownkey key sign acme/ed --in msg --out sig ;;
    openssl) with_openssl pkeyutl -sign -rawin -inkey ownkey:acme/ed -in msg \
        -out sig ;;
    pkcs11) p11_sign EDDSA ed ;;
    esac
    openssl pkeyutl -verify -pubin -inkey ed.pem -rawin -in msg -sigfile sig
}

# ---- decryption, MAC, agreement ---------------------------------------------

cell_decrypt_oaep() {
    how="-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:$oaep"
    rm -f got
    # shellcheck disable=SC2086 # a list of options
    openssl pkeyutl -encrypt -pubin -inkey dec.pem -in key -out enc $how
    # shellcheck disable=SC2086
    case $1 in
    tool) ownkey key decrypt acme/dec --oaep-hash "$oaep" --in enc --out got ;;
    openssl) with_openssl pkeyutl -decrypt -inkey ownkey:acme/dec -in enc \
        -out got $how ;;
    pkcs11) p11 --decrypt -m RSA-PKCS-OAEP --id "$(own privkey dec)" -i enc \
        -o got --hash-algorithm "$(echo "$oaep" | sed 's/sha1$/SHA-1/
            s/^sha/SHA/')" ;;
    esac
    cmp key got
}

make_mac() {
    case $1 in
    tool) ownkey key mac acme/mac --in msg --out "$2" --force ;;
    openssl) with_openssl dgst -sha256 -sign ownkey:acme/mac -out "$2" msg ;;
    pkcs11) p11 --sign -m SHA256-HMAC --id "$(own secrkey mac)" -i msg \
        -o "$2" ;;
    esac
}

# The key bytes where they are known; else a face that did not make it.
cell_mac() {
    rm -f tag want
    make_mac "$1" tag
    if command -v service_mac >/dev/null; then
        service_mac <msg >want
    else
        case $1 in
        tool) make_mac openssl want ;;
        *) make_mac tool want ;;
        esac
    fi
    [ "$(wc -c <tag)" -eq 32 ]
    cmp tag want
}

cell_derive() {
    rm -f got
    openssl pkeyutl -derive -inkey peer.key -peerkey agree.pem -out want
    case $1 in
    tool) ownkey key derive acme/agree --peer peer.pem --out got ;;
    openssl) with_openssl pkeyutl -derive -inkey ownkey:acme/agree \
        -peerkey peer.pem -out got ;;
    pkcs11) p11 --derive -m ECDH1-DERIVE --id "$(own privkey agree)" \
        -i peer.der -o got ;;
    esac
    cmp want got
}
