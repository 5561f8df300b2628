/* SPDX-License-Identifier: Apache-2.0 */
/* A remote key put to use from the command line. */
#include "tool/key_use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/encode.h"
#include "token/datakey.h"

enum { SIGNATURE_MAX = 1024, CIPHERTEXT_MAX = 1024 };

/* ---- what comes out ---- */

static enum ownkey_exit
print_json(const struct ownkey_key_use *use, const char *what,
           struct ownkey_blob data)
{
    cJSON *json = cJSON_CreateObject();
    char *text = use->out == NULL ? ownkey_tool_base64(data, "") : NULL;

    ownkey_report_text(json, "key", use->name);
    ownkey_report_number(json, "bytes", (double)data.len);
    if (use->out != NULL)
        ownkey_report_text(json, "file", use->out);
    else if (text != NULL)
        ownkey_report_text(json, what, text);
    free(text);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

/* what: "signature", "mac": not secret. */
static enum ownkey_exit
deliver(const struct ownkey_tool *tool, const struct ownkey_key_use *use,
        const char *what, const struct ownkey_bytes *bytes)
{
    bool base64 = use->base64 || ownkey_tool_is_terminal(use->out);
    struct ownkey_blob data = ownkey_blob_of(bytes);
    char *text = base64 ? ownkey_tool_base64(data, "\n") : NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (base64 && text == NULL)
        st = ownkey_fail(&err, OWNKEY_NOMEM, "no memory");
    else if (!tool->json || use->out != NULL)
        st = ownkey_tool_write(use->out, base64 ? ownkey_blob_text(text) : data,
                               use->place, &err);
    free(text);
    if (st != OWNKEY_OK)
        return ownkey_tool_fail(tool, &err);
    return tool->json ? print_json(use, what, data) : OWNKEY_EXIT_DONE;
}

/* A secret: to a file or pipe, as it is. */
static bool
may_write(const struct ownkey_tool *tool, const struct ownkey_key_use *use)
{
    if (tool->json && (use->out == NULL || strcmp(use->out, "-") == 0)) {
        (void)ownkey_tool_usage(tool, "with --json this needs --out FILE");
        return false;
    }
    if (!ownkey_tool_is_terminal(use->out))
        return true;
    (void)ownkey_tool_usage(tool, "a secret is not written to a terminal; use "
                                  "--out FILE or a pipe");
    return false;
}

static enum ownkey_exit
deliver_secret(const struct ownkey_tool *tool,
               const struct ownkey_key_use *use,
               const struct ownkey_secret *secret)
{
    struct ownkey_error err = { 0 };

    if (ownkey_tool_write(use->out, ownkey_blob_secret(secret), use->place,
                          &err) != OWNKEY_OK)
        return ownkey_tool_fail(tool, &err);
    return tool->json ? print_json(use, "", ownkey_blob_secret(secret))
                      : OWNKEY_EXIT_DONE;
}

static bool
find(struct ownkey_tool *tool, const struct ownkey_key_use *use,
     struct ownkey_key **key, enum ownkey_exit *code)
{
    struct ownkey_token *token;

    if (!ownkey_tool_find(tool, use->name, &token, key, code))
        return false;
    if (ownkey_key_error(*key)->status == OWNKEY_OK)
        return true;
    *code = ownkey_tool_fail(tool, ownkey_key_error(*key));
    return false;
}

/* ---- sign and verify ---- */

static bool
take_salt(const struct ownkey_tool *tool, const char *text, int *salt_len)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (*text != '\0' && *end == '\0' && n >= 0 && n <= 1024) {
        *salt_len = (int)n;
        return true;
    }
    (void)ownkey_tool_usage(tool, "--salt %s: a number of bytes", text);
    return false;
}

/* Padding and hash; the input is not read yet. */
static bool
make_request(const struct ownkey_tool *tool, const struct ownkey_key_use *use,
             enum ownkey_key_type type, struct ownkey_sign_request *r)
{
    enum ownkey_key_family family = ownkey_key_type_info(type)->family;

    *r = (struct ownkey_sign_request){ .padding = OWNKEY_PAD_NONE };
    if (family != OWNKEY_FAMILY_ED &&
        !ownkey_key_hash(tool, use->hash, type, &r->hash))
        return false;
    if (family == OWNKEY_FAMILY_ED && use->hash != NULL) {
        (void)ownkey_tool_usage(tool, "an Ed25519 key signs the message "
                                      "itself: no --hash");
        return false;
    }
    if (family == OWNKEY_FAMILY_RSA)
        r->padding = use->pss ? OWNKEY_PAD_PSS : OWNKEY_PAD_PKCS1;
    if (use->pss && family != OWNKEY_FAMILY_RSA) {
        (void)ownkey_tool_usage(tool, "--pss is for RSA keys");
        return false;
    }
    if (use->salt != NULL && !use->pss) {
        (void)ownkey_tool_usage(tool, "--salt is for --pss");
        return false;
    }
    r->salt_len = (int)ownkey_hash_info(r->hash)->len;
    return use->salt == NULL || take_salt(tool, use->salt, &r->salt_len);
}

static enum ownkey_exit
sign(struct ownkey_tool *tool, const struct ownkey_key_use *use)
{
    struct ownkey_sign_request r;
    struct ownkey_secret input = { 0 };
    struct ownkey_bytes signature = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_key *key;
    enum ownkey_exit code;
    enum ownkey_status st;

    if (!find(tool, use, &key, &code))
        return code;
    if (!make_request(tool, use, ownkey_key_type(key), &r))
        return OWNKEY_EXIT_USAGE;
    st = ownkey_key_digest(use->in, r.hash, use->raw, &input, &err);
    r.input = ownkey_blob_secret(&input);
    if (st == OWNKEY_OK)
        st = ownkey_key_sign(key, &r, &signature, &err);
    code = st == OWNKEY_OK ? deliver(tool, use, "signature", &signature)
                           : ownkey_tool_fail(tool, &err);
    ownkey_bytes_clear(&signature);
    ownkey_secret_clear(&input);
    return code;
}

static enum ownkey_exit
verified(const struct ownkey_tool *tool, const struct ownkey_key_use *use,
         enum ownkey_status st, const struct ownkey_error *err)
{
    cJSON *json;

    if (st != OWNKEY_OK)
        return ownkey_tool_fail(tool, err);
    if (!tool->json) {
        (void)puts("verified");
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_text(json, "key", use->name);
    ownkey_report_bool(json, "verified", true);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

/* A MAC is verified by making it again. */
static enum ownkey_status
verify_mac(struct ownkey_key *key, const struct ownkey_key_use *use,
           struct ownkey_blob given, struct ownkey_error *err)
{
    struct ownkey_secret message = { 0 };
    struct ownkey_bytes mac = { 0 };
    enum ownkey_status st =
        ownkey_tool_read(use->in, OWNKEY_MAC_MESSAGE_MAX, &message, err);

    if (st == OWNKEY_OK)
        st = ownkey_key_mac(key, ownkey_blob_secret(&message), &mac, err);
    if (st == OWNKEY_OK &&
        (mac.len != given.len ||
         CRYPTO_memcmp(mac.data, given.data, mac.len) != 0))
        st = ownkey_fail(err, OWNKEY_DAMAGED,
                         "the MAC is not this key's over that message");
    ownkey_secret_clear(&message);
    ownkey_bytes_clear(&mac);
    return st;
}

static enum ownkey_status
verify_signature(struct ownkey_key *key, const struct ownkey_key_use *use,
                 struct ownkey_sign_request *r, struct ownkey_blob signature,
                 struct ownkey_error *err)
{
    struct ownkey_secret input = { 0 };
    enum ownkey_status st =
        ownkey_key_digest(use->in, r->hash, use->raw, &input, err);

    r->input = ownkey_blob_secret(&input);
    if (st == OWNKEY_OK)
        st = ownkey_key_verify(key, r, signature, err);
    if (st == OWNKEY_PROTOCOL)
        st = ownkey_fail(err, OWNKEY_DAMAGED,
                         "the signature is not this key's over that message");
    ownkey_secret_clear(&input);
    return st;
}

static enum ownkey_exit
verify(struct ownkey_tool *tool, const struct ownkey_key_use *use)
{
    struct ownkey_sign_request r;
    struct ownkey_secret signature = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_key *key;
    enum ownkey_exit code;
    enum ownkey_status st;
    bool mac;

    if (use->signature == NULL)
        return ownkey_tool_usage(tool, "verify needs --signature FILE");
    if (!find(tool, use, &key, &code))
        return code;
    mac = ownkey_key_can_mac(key);
    if (!mac && !make_request(tool, use, ownkey_key_type(key), &r))
        return OWNKEY_EXIT_USAGE;
    st = ownkey_tool_read(use->signature, SIGNATURE_MAX, &signature, &err);
    if (st == OWNKEY_OK && mac)
        st = verify_mac(key, use, ownkey_blob_secret(&signature), &err);
    else if (st == OWNKEY_OK)
        st = verify_signature(key, use, &r, ownkey_blob_secret(&signature),
                              &err);
    ownkey_secret_clear(&signature);
    return verified(tool, use, st, &err);
}

/* ---- mac, decrypt, derive ---- */

static enum ownkey_exit
mac(struct ownkey_tool *tool, const struct ownkey_key_use *use)
{
    struct ownkey_secret message = { 0 };
    struct ownkey_bytes made = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_key *key;
    enum ownkey_exit code;
    enum ownkey_status st;

    if (!find(tool, use, &key, &code))
        return code;
    st = ownkey_tool_read(use->in, OWNKEY_MAC_MESSAGE_MAX, &message, &err);
    if (st == OWNKEY_OK)
        st = ownkey_key_mac(key, ownkey_blob_secret(&message), &made, &err);
    code = st == OWNKEY_OK ? deliver(tool, use, "mac", &made)
                           : ownkey_tool_fail(tool, &err);
    ownkey_bytes_clear(&made);
    ownkey_secret_clear(&message);
    return code;
}

static enum ownkey_exit
decrypt(struct ownkey_tool *tool, const struct ownkey_key_use *use)
{
    struct ownkey_decrypt_request r = {
        .padding = use->pkcs1 ? OWNKEY_PAD_PKCS1 : OWNKEY_PAD_OAEP,
    };
    struct ownkey_secret ciphertext = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_key *key;
    enum ownkey_exit code;
    enum ownkey_status st;

    if (!may_write(tool, use))
        return OWNKEY_EXIT_USAGE;
    if (!ownkey_key_hash(tool, use->oaep_hash, OWNKEY_KEY_RSA_2048, &r.hash))
        return OWNKEY_EXIT_USAGE;
    r.mgf1_hash = r.hash;
    if (!find(tool, use, &key, &code))
        return code;
    st = ownkey_tool_read(use->in, CIPHERTEXT_MAX, &ciphertext, &err);
    r.ciphertext = ownkey_blob_secret(&ciphertext);
    if (st == OWNKEY_OK)
        st = ownkey_key_decrypt(key, &r, &plain, &err);
    code = st == OWNKEY_OK ? deliver_secret(tool, use, &plain)
                           : ownkey_tool_fail(tool, &err);
    ownkey_secret_clear(&plain);
    ownkey_secret_clear(&ciphertext);
    return code;
}

static enum ownkey_status
derive_secret(struct ownkey_key *key, const char *peer,
              struct ownkey_secret *secret, struct ownkey_error *err)
{
    struct ownkey_derive_request r = { 0 };
    struct ownkey_bytes spki = { 0 };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_key_peer(peer, &spki, err);

    r.peer = ownkey_blob_of(&spki);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_derive(key, &r, &dk, err);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, secret, &lease, err);
    ownkey_data_key_free(dk);
    ownkey_bytes_clear(&spki);
    return st;
}

static enum ownkey_exit
derive(struct ownkey_tool *tool, const struct ownkey_key_use *use)
{
    struct ownkey_secret secret = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_key *key;
    enum ownkey_exit code;

    if (use->peer == NULL)
        return ownkey_tool_usage(tool, "derive needs --peer FILE");
    if (!may_write(tool, use))
        return OWNKEY_EXIT_USAGE;
    if (!find(tool, use, &key, &code))
        return code;
    code = derive_secret(key, use->peer, &secret, &err) == OWNKEY_OK
               ? deliver_secret(tool, use, &secret)
               : ownkey_tool_fail(tool, &err);
    ownkey_secret_clear(&secret);
    return code;
}

const struct ownkey_key_action *
ownkey_key_action(const char *name)
{
    static const struct ownkey_key_action actions[] = {
        { "sign", "in out force base64 hash raw pss salt", sign },
        { "verify", "in signature hash raw pss salt", verify },
        { "mac", "in out force base64", mac },
        { "decrypt", "in out force oaep-hash pkcs1", decrypt },
        { "derive", "out force peer", derive },
    };

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}
