/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_request.h"

#include <string.h>

#include "base/encode.h"
#include "kms/json.h"

/* ---- building ---------------------------------------------------------- */

/* A string that lives until the body is printed. */
static bool
add_text(cJSON *object, const char *name, const char *value)
{
    cJSON *item = cJSON_CreateStringReference(value);

    if (item != NULL && cJSON_AddItemToObjectCS(object, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

/* Bytes as base64, which is left in *text until the body is printed. */
static bool
add_bytes(cJSON *object, const char *name, struct ownkey_blob bytes,
          struct ownkey_secret *text)
{
    if (ownkey_secret_alloc(text, ownkey_base64_len(bytes.len) + 1) !=
        OWNKEY_OK)
        return false;
    ownkey_base64_encode(bytes.data, bytes.len, (char *)text->data);
    return add_text(object, name, (const char *)text->data);
}

static bool
add_context(cJSON *object, const char *name,
            const struct ownkey_context *context)
{
    cJSON *map = cJSON_CreateObject();
    bool ok = map != NULL;

    for (size_t i = 0; ok && context != NULL && i < context->len; i++)
        ok = add_text(map, context->pairs[i].name, context->pairs[i].value);
    if (ok && cJSON_AddItemToObjectCS(object, name, map))
        return true;
    cJSON_Delete(map);
    return false;
}

/* The last step of each: prints if all went well, and cleans up. */
static enum ownkey_status
finish(cJSON *object, bool ok, struct ownkey_secret *text,
       struct ownkey_secret *body)
{
    enum ownkey_status st = OWNKEY_NOMEM;

    if (ok)
        st = ownkey_json_print(object, body);
    ownkey_json_free(object);
    if (text != NULL)
        ownkey_secret_clear(text);
    return st;
}

enum ownkey_status
ownkey_aws_request_key(const char *key_id, struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();

    return finish(object, object != NULL && add_text(object, "KeyId", key_id),
                  NULL, body);
}

enum ownkey_status
ownkey_aws_request_encrypt(const char *key_id, const char *algorithm,
                           const struct ownkey_secret *plain,
                           const struct ownkey_context *context,
                           struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok =
        object != NULL && add_text(object, "KeyId", key_id) &&
        add_bytes(object, "Plaintext", ownkey_blob_secret(plain), &text) &&
        (algorithm != NULL
             ? add_text(object, "EncryptionAlgorithm", algorithm)
             : add_context(object, "EncryptionContext", context));

    return finish(object, ok, &text, body);
}

enum ownkey_status
ownkey_aws_request_decrypt(const char *key_id, const char *algorithm,
                           struct ownkey_blob ciphertext,
                           const struct ownkey_context *context,
                           struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok = object != NULL && add_text(object, "KeyId", key_id) &&
              add_bytes(object, "CiphertextBlob", ciphertext, &text) &&
              (algorithm != NULL
                   ? add_text(object, "EncryptionAlgorithm", algorithm)
                   : add_context(object, "EncryptionContext", context));

    return finish(object, ok, &text, body);
}

enum ownkey_status
ownkey_aws_request_generate(const char *key_id, size_t len,
                            const struct ownkey_context *context,
                            struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    bool ok = object != NULL && add_text(object, "KeyId", key_id) &&
              cJSON_AddNumberToObject(object, "NumberOfBytes", (double)len) !=
                  NULL &&
              add_context(object, "EncryptionContext", context);

    return finish(object, ok, NULL, body);
}

enum ownkey_status
ownkey_aws_request_sign(const char *key_id, const char *algorithm, bool raw,
                        struct ownkey_blob message, struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok = object != NULL && add_text(object, "KeyId", key_id) &&
              add_bytes(object, "Message", message, &text) &&
              add_text(object, "MessageType", raw ? "RAW" : "DIGEST") &&
              add_text(object, "SigningAlgorithm", algorithm);

    return finish(object, ok, &text, body);
}

/* One side of ReEncrypt: how it is, or is to be, encrypted. */
static bool
add_side(cJSON *object, const struct ownkey_aws_side *side,
         const struct ownkey_context *context, const char *const names[3])
{
    return add_text(object, names[0], side->key_id) &&
           (side->algorithm != NULL
                ? add_text(object, names[1], side->algorithm)
                : add_context(object, names[2], context));
}

enum ownkey_status
ownkey_aws_request_reencrypt(const struct ownkey_aws_side *from,
                             const struct ownkey_aws_side *to,
                             struct ownkey_blob ciphertext,
                             const struct ownkey_context *context,
                             struct ownkey_secret *body)
{
    static const char *const source[] = { "SourceKeyId",
                                          "SourceEncryptionAlgorithm",
                                          "SourceEncryptionContext" };
    static const char *const destination[] = {
        "DestinationKeyId", "DestinationEncryptionAlgorithm",
        "DestinationEncryptionContext"
    };
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok = object != NULL && add_side(object, from, context, source) &&
              add_side(object, to, context, destination) &&
              add_bytes(object, "CiphertextBlob", ciphertext, &text);

    return finish(object, ok, &text, body);
}

enum ownkey_status
ownkey_aws_request_mac(const char *key_id, const char *algorithm,
                       struct ownkey_blob message, struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok = object != NULL && add_text(object, "KeyId", key_id) &&
              add_bytes(object, "Message", message, &text) &&
              add_text(object, "MacAlgorithm", algorithm);

    return finish(object, ok, &text, body);
}

enum ownkey_status
ownkey_aws_request_derive(const char *key_id, struct ownkey_blob peer,
                          struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok = object != NULL && add_text(object, "KeyId", key_id) &&
              add_text(object, "KeyAgreementAlgorithm", "ECDH") &&
              add_bytes(object, "PublicKey", peer, &text);

    return finish(object, ok, &text, body);
}

/* ---- names ------------------------------------------------------------- */

static const struct {
    enum ownkey_key_type type;
    const char *spec;
    const char *algorithm; /* to sign or make a MAC, of types with one only */
} types[] = {
    { OWNKEY_KEY_AES_256, "SYMMETRIC_DEFAULT", NULL },
    { OWNKEY_KEY_RSA_2048, "RSA_2048", NULL },
    { OWNKEY_KEY_RSA_3072, "RSA_3072", NULL },
    { OWNKEY_KEY_RSA_4096, "RSA_4096", NULL },
    { OWNKEY_KEY_EC_P256, "ECC_NIST_P256", "ECDSA_SHA_256" },
    { OWNKEY_KEY_EC_P384, "ECC_NIST_P384", "ECDSA_SHA_384" },
    { OWNKEY_KEY_EC_P521, "ECC_NIST_P521", "ECDSA_SHA_512" },
    { OWNKEY_KEY_EC_SECP256K1, "ECC_SECG_P256K1", "ECDSA_SHA_256" },
    { OWNKEY_KEY_HMAC_SHA224, "HMAC_224", "HMAC_SHA_224" },
    { OWNKEY_KEY_HMAC_SHA256, "HMAC_256", "HMAC_SHA_256" },
    { OWNKEY_KEY_HMAC_SHA384, "HMAC_384", "HMAC_SHA_384" },
    { OWNKEY_KEY_HMAC_SHA512, "HMAC_512", "HMAC_SHA_512" },
    { OWNKEY_KEY_ED25519, "ECC_NIST_EDWARDS25519", "ED25519_SHA_512" },
};

static const struct {
    enum ownkey_hash hash;
    const char *pkcs1;
    const char *pss;
} rsa_signatures[] = {
    { OWNKEY_HASH_SHA256, "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256" },
    { OWNKEY_HASH_SHA384, "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PSS_SHA_384" },
    { OWNKEY_HASH_SHA512, "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_512" },
};

enum ownkey_status
ownkey_aws_key_type(const char *key_spec, enum ownkey_key_type *type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].spec, key_spec) == 0) {
            *type = types[i].type;
            return OWNKEY_OK;
        }
    }
    return OWNKEY_UNSUPPORTED;
}

/* The service salts with as many bytes as the hash has, nothing else. */
static const char *
rsa_signature(const struct ownkey_sign_request *r)
{
    int hash_len = (int)ownkey_hash_info(r->hash)->len;

    for (size_t i = 0; i < sizeof(rsa_signatures) / sizeof(rsa_signatures[0]);
         i++) {
        if (rsa_signatures[i].hash != r->hash)
            continue;
        if (r->padding == OWNKEY_PAD_PKCS1)
            return rsa_signatures[i].pkcs1;
        if (r->padding == OWNKEY_PAD_PSS && r->salt_len == hash_len)
            return rsa_signatures[i].pss;
    }
    return NULL;
}

static const char *
only_algorithm(enum ownkey_key_type type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].type == type)
            return types[i].algorithm;
    return NULL;
}

const char *
ownkey_aws_sign_algorithm(enum ownkey_key_type type,
                          const struct ownkey_sign_request *r)
{
    if (ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA)
        return rsa_signature(r);
    return only_algorithm(type);
}

const char *
ownkey_aws_mac_algorithm(enum ownkey_key_type type)
{
    return ownkey_key_type_info(type)->family == OWNKEY_FAMILY_HMAC
               ? only_algorithm(type)
               : NULL;
}

const char *
ownkey_aws_decrypt_algorithm(const struct ownkey_decrypt_request *r)
{
    if (r->padding != OWNKEY_PAD_OAEP || r->mgf1_hash != r->hash ||
        r->label.len != 0)
        return NULL;
    if (r->hash == OWNKEY_HASH_SHA1)
        return "RSAES_OAEP_SHA_1";
    if (r->hash == OWNKEY_HASH_SHA256)
        return "RSAES_OAEP_SHA_256";
    return NULL;
}
