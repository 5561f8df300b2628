# SPDX-License-Identifier: Apache-2.0
# Keys in files. Sourced by matrix.sh.
# shellcheck shell=sh
versions=yes

# key_bytes NAME: of the key file, as doc/localkms.md says.
key_bytes() {
    /usr/bin/python3 -c 'import base64, json, sys
key = json.load(open(sys.argv[1]))["versions"][0]["key"]
sys.stdout.buffer.write(base64.b64decode(key))' "$1.key"
}

service_public() {
    key_bytes "$1" | openssl pkey -inform DER -pubout
}

service_mac() {
    openssl dgst -sha256 -mac HMAC -binary \
        -macopt "hexkey:$(key_bytes mac | od -An -v -tx1 | tr -d ' \n')"
}

service_start() {
    for k in kek:aes-256 rsa:rsa-2048 pss:rsa-2048 dec:rsa-2048 ec:ec-p256 \
        ed:ed25519 mac:hmac-sha256 agree:ec-p256; do
        run ownkey localkms create "$PWD/${k%:*}.key" --type "${k#*:}"
    done
    {
        section acme "localkms://$PWD/kek.key"
        for k in rsa pss dec ec ed; do
            remote $k "localkms://$PWD/$k.key"
        done
        remote agree "localkms://$PWD/agree.key" 'usage = derive'
        section acme/mac "localkms://$PWD/mac.key" 'type = hmac-sha256'
    } >ownkey.conf
}

service_rotate() {
    ownkey localkms rotate "$PWD/kek.key"
}
