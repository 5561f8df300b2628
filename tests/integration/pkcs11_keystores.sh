#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that make and keep keys on a token: Java's keytool, NSS's certutil,
# PyKCS11; and libp11's engine with one of them.
. "${OWNKEY_SRCDIR:-.}/tests/integration/pkcs11_lib.sh"
for program in keytool certutil; do
    command -v $program >/dev/null || skip "needs $program"
done
/usr/bin/python3 -c 'import PyKCS11' 2>/dev/null || skip "needs python3-pykcs11"
localkms kek aes-256
printf '[acme]\nkek = localkms://%s/kek\nstore = %s/acme.db\n' "$dir" "$dir" \
    >ownkey.conf

# Java: pairs are made in a session and copied into the token.
printf 'name = ownkey\nlibrary = %s\nslotListIndex = 0\n' "$module" >java.cfg
java_keys() {
    keytool -providerClass sun.security.pkcs11.SunPKCS11 \
        -providerArg "$dir/java.cfg" -keystore NONE -storetype PKCS11 \
        -storepass x "$@"
}
run java_keys -genkeypair -keyalg EC -groupname secp256r1 -alias ec \
    -dname CN=ec -validity 30
run java_keys -genkeypair -keyalg RSA -keysize 2048 -alias rsa -dname CN=rsa \
    -validity 30
run java_keys -genseckey -keyalg AES -keysize 256 -alias aes
run java_keys -list
has out "ec, PrivateKeyEntry"
has out "rsa, PrivateKeyEntry"
has out "aes, SecretKeyEntry"
for k in ec rsa; do
    run java_keys -certreq -alias $k -file $k.csr
    run openssl req -in $k.csr -verify -noout
done

# libp11's engine, as OpenSSL's default for all it can do: the module's own
# OpenSSL calls must not end up there.
engine=$(openssl version -e | sed -n 's/^ENGINESDIR: "\(.*\)"/\1/p')/pkcs11.so
[ -e "$engine" ] || skip "needs libengine-pkcs11-openssl"
cat >engine.cnf <<CONF
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
CONF
echo "a message" >msg
for k in ec:%65%63 rsa:%72%73%61; do
    run java_keys -exportcert -alias "${k%%:*}" -rfc -file cert.pem
    run openssl x509 -in cert.pem -pubkey -noout
    cp out pub.pem
    run env OPENSSL_CONF="$dir/engine.cnf" openssl dgst -sha256 \
        -engine pkcs11 -keyform engine -out sig \
        -sign "pkcs11:token=acme;id=${k#*:};type=private?pin-value=x" msg
    run openssl dgst -sha256 -verify pub.pem -signature sig msg
done

# NSS: finds what Java made, and makes a certificate of its own.
mkdir nss
run certutil -N -d sql:nss --empty-password
run modutil -force -dbdir sql:nss -add ownkey -libfile "$module"
echo x >pin
run certutil -K -d sql:nss -h acme -f pin
has out "acme:ec"
has out "acme:rsa"
head -c 100 /dev/urandom >noise
run certutil -S -d sql:nss -h acme -f pin -z noise -n own -s CN=own -x \
    -t u,u,u -k rsa -g 2048
run certutil -L -d sql:nss -h acme -f pin
has out "acme:own"

# PyKCS11.
cat >keys.py <<'PY'
import sys
import PyKCS11 as p

lib = p.PyKCS11Lib()
lib.load(sys.argv[1])
s = lib.openSession(lib.getSlotList(tokenPresent=True)[0],
                    p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION)
s.login("x")
key = s.generateKey([(p.CKA_CLASS, p.CKO_SECRET_KEY), (p.CKA_TOKEN, True),
                     (p.CKA_KEY_TYPE, p.CKK_AES), (p.CKA_VALUE_LEN, 32),
                     (p.CKA_LABEL, "python"), (p.CKA_ENCRYPT, True),
                     (p.CKA_DECRYPT, True)],
                    p.Mechanism(p.CKM_AES_KEY_GEN, None))
cbc = p.Mechanism(p.CKM_AES_CBC_PAD, bytes(16))
assert bytes(s.decrypt(key, s.encrypt(key, b"text", cbc), cbc)) == b"text"
public, private = s.generateKeyPair(
    [(p.CKA_TOKEN, True), (p.CKA_MODULUS_BITS, 2048),
     (p.CKA_PUBLIC_EXPONENT, (1, 0, 1))], [(p.CKA_TOKEN, True)])
rsa = p.Mechanism(p.CKM_SHA256_RSA_PKCS, None)
assert s.verify(public, b"data", s.sign(private, b"data", rsa), rsa)
PY
run /usr/bin/python3 keys.py "$module"

# Taken away: all of them list, none of them sign.
run ownkey localkms disable "$dir/kek"
run java_keys -list
has out "ec, PrivateKeyEntry"
fails java_keys -certreq -alias ec -file none.csr
run ownkey localkms enable "$dir/kek"
run java_keys -certreq -alias ec -file again.csr
