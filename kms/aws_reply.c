/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_reply.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>

#include "base/encode.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_request.h"
#include "kms/json.h"

enum {
    CIPHERTEXT_MAX = 6144, /* bytes */
    PUBLIC_KEY_MAX = 8192,
};

/* ---- parts of a reply -------------------------------------------------- */

static enum ownkey_status
parse(struct ownkey_blob body, cJSON **json, struct ownkey_error *err)
{
    const char *type = NULL;

    if (body.len == 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply is empty");
    if (ownkey_json_parse(body, json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is not a JSON object");
    if (ownkey_json_text(*json, "__type", &type) == OWNKEY_OK && type != NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "an error comes as a success: %.100s", type);
    return OWNKEY_OK;
}

/* A string that has to be there. */
static enum ownkey_status
need_text(const cJSON *json, const char *name, const char **value,
          struct ownkey_error *err)
{
    if (ownkey_json_text(json, name, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one string", name);
    if (*value == NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", name);
    return OWNKEY_OK;
}

/* The ARN of the key that was used, checked against what was asked for. */
static enum ownkey_status
need_key(const cJSON *json, const char *name, const char *asked,
         const char **arn, struct ownkey_error *err)
{
    enum ownkey_status st = need_text(json, name, arn, err);

    if (st != OWNKEY_OK)
        return st;
    if (strlen(*arn) >= OWNKEY_KMS_ID_MAX ||
        !ownkey_aws_id_matches(asked, *arn))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply names another key: %.150s instead of "
                           "%.150s", *arn, asked);
    return OWNKEY_OK;
}

static enum ownkey_status
fail_decode(enum ownkey_status st, const char *name, struct ownkey_error *err)
{
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s in the reply is not base64",
                       name);
}

static enum ownkey_status
fail_length(const char *name, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s in the reply has a wrong "
                                             "length", name);
}

static enum ownkey_status
need_bytes(const cJSON *json, const char *name, size_t max,
           struct ownkey_bytes *bytes, struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = need_text(json, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode(text, strlen(text), bytes);
    if (st != OWNKEY_OK)
        return fail_decode(st, name, err);
    if (bytes->len == 0 || bytes->len > max)
        return fail_length(name, err);
    return OWNKEY_OK;
}

static enum ownkey_status
need_plaintext(const cJSON *json, struct ownkey_secret *plain,
               struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = need_text(json, "Plaintext", &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode_secret(text, strlen(text), plain);
    if (st != OWNKEY_OK)
        return fail_decode(st, "Plaintext", err);
    if (plain->len == 0 || plain->len > OWNKEY_KMS_PLAIN_MAX)
        return fail_length("Plaintext", err);
    return OWNKEY_OK;
}

/* An algorithm that is echoed has to be the one that was asked for. */
static enum ownkey_status
check_echo(const cJSON *json, const char *name, const char *sent,
           struct ownkey_error *err)
{
    const char *echo;

    if (ownkey_json_text(json, name, &echo) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one string", name);
    if (echo != NULL && strcmp(echo, sent) != 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is for %.60s instead of %.60s", echo,
                           sent);
    return OWNKEY_OK;
}

/* ---- wrap, generate, unwrap -------------------------------------------- */

static enum ownkey_status
read_wrap(const cJSON *json, const char *asked, struct ownkey_wrap_reply *w,
          struct ownkey_error *err)
{
    const char *arn;
    enum ownkey_status st = need_key(json, "KeyId", asked, &arn, err);

    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(w->id, sizeof(w->id), "%s", arn);
    return need_bytes(json, "CiphertextBlob", CIPHERTEXT_MAX, &w->ciphertext,
                      err);
}

/* Ownership passes; what *to held is cleared. */
static void
wrap_reply_move(struct ownkey_wrap_reply *to, struct ownkey_wrap_reply *from)
{
    ownkey_wrap_reply_clear(to);
    *to = *from;
    *from = (struct ownkey_wrap_reply){ 0 };
}

enum ownkey_status
ownkey_aws_reply_encrypt(struct ownkey_blob body, const char *asked,
                         struct ownkey_wrap_reply *reply,
                         struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_wrap(json, asked, &w, err);
    if (st == OWNKEY_OK)
        wrap_reply_move(reply, &w);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_aws_reply_generate(struct ownkey_blob body, const char *asked,
                          size_t len, struct ownkey_secret *plain,
                          struct ownkey_wrap_reply *reply,
                          struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret p = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_wrap(json, asked, &w, err);
    if (st == OWNKEY_OK)
        st = need_plaintext(json, &p, err);
    if (st == OWNKEY_OK && p.len != len)
        st = fail_length("Plaintext", err);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(plain, &p);
        wrap_reply_move(reply, &w);
    }
    ownkey_secret_clear(&p);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_aws_reply_decrypt(struct ownkey_blob body, const char *asked,
                         const char *algorithm, struct ownkey_secret *plain,
                         struct ownkey_error *err)
{
    const char *sent = algorithm != NULL ? algorithm : "SYMMETRIC_DEFAULT";
    struct ownkey_secret p = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = check_echo(json, "EncryptionAlgorithm", sent, err);
    if (st == OWNKEY_OK)
        st = need_plaintext(json, &p, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &p);
    ownkey_secret_clear(&p);
    ownkey_json_free(json);
    return st;
}

/* ---- sign -------------------------------------------------------------- */

/* In 1 .. 2^bits - 1: r and s are below the order, which has as many bits. */
static bool
is_in_range(const BIGNUM *n, int bits)
{
    return n != NULL && !BN_is_zero(n) && !BN_is_negative(n) &&
           BN_num_bits(n) <= bits;
}

/* DER of SEQUENCE {r, s}, in its one canonical form. */
static bool
is_ecdsa(const struct ownkey_bytes *signature, unsigned bits)
{
    const unsigned char *p = signature->data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)signature->len);
    unsigned char *again = NULL;
    bool ok = false;
    int n;

    if (sig == NULL)
        return false;
    n = i2d_ECDSA_SIG(sig, &again);
    if (n > 0)
        ok = (size_t)n == signature->len &&
             memcmp(again, signature->data, signature->len) == 0 &&
             is_in_range(ECDSA_SIG_get0_r(sig), (int)bits) &&
             is_in_range(ECDSA_SIG_get0_s(sig), (int)bits);
    OPENSSL_free(again);
    ECDSA_SIG_free(sig);
    return ok;
}

static bool
has_right_form(const struct ownkey_bytes *signature, enum ownkey_key_type type)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);

    if (info->family == OWNKEY_FAMILY_EC)
        return is_ecdsa(signature, info->bits);
    return signature->len == info->signature_max;
}

enum ownkey_status
ownkey_aws_reply_sign(struct ownkey_blob body, const char *asked,
                      const char *algorithm, enum ownkey_key_type type,
                      struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_bytes s = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = check_echo(json, "SigningAlgorithm", algorithm, err);
    if (st == OWNKEY_OK)
        st = need_bytes(json, "Signature", CIPHERTEXT_MAX, &s, err);
    if (st == OWNKEY_OK && !has_right_form(&s, type))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply holds no signature of a %s key",
                         ownkey_key_type_info(type)->name);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(signature);
        *signature = s;
        s = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&s);
    ownkey_json_free(json);
    return st;
}

/* ---- describe, public key ---------------------------------------------- */

static const struct {
    const char *name;
    enum ownkey_key_state state;
} states[] = {
    { "Enabled", OWNKEY_KEY_ENABLED },
    { "Updating", OWNKEY_KEY_ENABLED }, /* it works meanwhile */
    { "Disabled", OWNKEY_KEY_DISABLED },
    { "PendingDeletion", OWNKEY_KEY_PENDING_DELETION },
    { "PendingReplicaDeletion", OWNKEY_KEY_PENDING_DELETION },
};

/* One we do not know cannot be used: that much is certain. */
static enum ownkey_key_state
state_of(const char *name)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(states[i].name, name) == 0)
            return states[i].state;
    return OWNKEY_KEY_UNAVAILABLE;
}

/* KeySpec, or its name in former times. */
static enum ownkey_status
need_type(const cJSON *json, enum ownkey_key_type *type,
          struct ownkey_error *err)
{
    const char *spec = NULL;
    enum ownkey_status st;

    if (ownkey_json_text(json, "KeySpec", &spec) == OWNKEY_OK && spec == NULL)
        st = need_text(json, "CustomerMasterKeySpec", &spec, err);
    else
        st = need_text(json, "KeySpec", &spec, err);
    if (st != OWNKEY_OK)
        return st;
    if (ownkey_aws_key_type(spec, type) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key of kind %.60s is not known to this version",
                           spec);
    return OWNKEY_OK;
}

static enum ownkey_status
read_metadata(const cJSON *m, const char *asked, struct ownkey_key_info *info,
              struct ownkey_error *err)
{
    const char *arn, *state, *usage;
    double deletion;
    enum ownkey_status st = need_key(m, "Arn", asked, &arn, err);

    if (st == OWNKEY_OK)
        st = need_text(m, "KeyState", &state, err);
    if (st == OWNKEY_OK)
        st = need_text(m, "KeyUsage", &usage, err);
    if (st == OWNKEY_OK)
        st = need_type(m, &info->type, err);
    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(info->id, sizeof(info->id), "%s", arn);
    info->state = state_of(state);
    if (ownkey_json_number(m, "DeletionDate", &deletion) == OWNKEY_OK &&
        info->state == OWNKEY_KEY_PENDING_DELETION && deletion > 0 &&
        deletion < 1e12)
        info->deletion_s = (int64_t)deletion;
    info->can_wrap = strcmp(usage, "ENCRYPT_DECRYPT") == 0;
    info->can_sign = strcmp(usage, "SIGN_VERIFY") == 0;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_reply_describe(struct ownkey_blob body, const char *asked,
                          struct ownkey_key_info *info,
                          struct ownkey_error *err)
{
    struct ownkey_key_info i = { 0 };
    const cJSON *metadata = NULL;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK &&
        (ownkey_json_object(json, "KeyMetadata", &metadata) != OWNKEY_OK ||
         metadata == NULL))
        st = ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks KeyMetadata");
    if (st == OWNKEY_OK)
        st = read_metadata(metadata, asked, &i, err);
    if (st == OWNKEY_OK)
        *info = i;
    ownkey_json_free(json);
    return st;
}

/* The key itself has to be of the kind that the reply says. */
static enum ownkey_status
check_spki(const cJSON *json, const struct ownkey_bytes *spki,
           struct ownkey_error *err)
{
    enum ownkey_key_type said, is;
    enum ownkey_status st = need_type(json, &said, err);

    if (st != OWNKEY_OK)
        return st;
    if (ownkey_key_type_of_spki(ownkey_blob_of(spki), &is) != OWNKEY_OK ||
        is != said)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "PublicKey in the reply is no %s key",
                           ownkey_key_type_info(said)->name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_reply_public_key(struct ownkey_blob body, const char *asked,
                            struct ownkey_bytes *spki,
                            struct ownkey_error *err)
{
    struct ownkey_bytes b = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = need_bytes(json, "PublicKey", PUBLIC_KEY_MAX, &b, err);
    if (st == OWNKEY_OK)
        st = check_spki(json, &b, err);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(spki);
        *spki = b;
        b = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&b);
    ownkey_json_free(json);
    return st;
}
