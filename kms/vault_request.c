/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "kms/json.h"
#include "kms/vault_name.h"

/* ---- names ------------------------------------------------------------- */

static const struct ownkey_vault_type types[] = {
    { "aes256-gcm96", OWNKEY_KEY_AES_256, true, false },
    { "aes128-gcm96", OWNKEY_KEY_AES_256, true, false },
    { "chacha20-poly1305", OWNKEY_KEY_AES_256, true, false },
    { "xchacha20-poly1305", OWNKEY_KEY_AES_256, true, false },
    { "rsa-2048", OWNKEY_KEY_RSA_2048, true, true },
    { "rsa-3072", OWNKEY_KEY_RSA_3072, true, true },
    { "rsa-4096", OWNKEY_KEY_RSA_4096, true, true },
    { "ecdsa-p256", OWNKEY_KEY_EC_P256, false, true },
    { "ecdsa-p384", OWNKEY_KEY_EC_P384, false, true },
    { "ecdsa-p521", OWNKEY_KEY_EC_P521, false, true },
    { "ed25519", OWNKEY_KEY_ED25519, false, true },
    { "hmac", OWNKEY_KEY_HMAC_SHA256, false, false },
};

const struct ownkey_vault_type *
ownkey_vault_type_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

const char *
ownkey_vault_hash(enum ownkey_hash hash)
{
    switch (hash) {
    case OWNKEY_HASH_SHA1:
        return "sha1";
    case OWNKEY_HASH_SHA224:
        return "sha2-224";
    case OWNKEY_HASH_SHA256:
        return "sha2-256";
    case OWNKEY_HASH_SHA384:
        return "sha2-384";
    case OWNKEY_HASH_SHA512:
        return "sha2-512";
    case OWNKEY_HASH_NONE:
        break;
    }
    return NULL;
}

bool
ownkey_vault_can_sign(enum ownkey_key_type type,
                      const struct ownkey_sign_request *request)
{
    return ownkey_sign_request_fits(type, request) &&
           type != OWNKEY_KEY_EC_SECP256K1 &&
           (request->padding != OWNKEY_PAD_PSS || request->salt_len > 0);
}

bool
ownkey_vault_can_decrypt(enum ownkey_key_type type,
                         const struct ownkey_decrypt_request *request)
{
    return ownkey_decrypt_request_fits(type, request) &&
           request->padding == OWNKEY_PAD_OAEP &&
           request->hash == OWNKEY_HASH_SHA256 &&
           request->mgf1_hash == OWNKEY_HASH_SHA256 && request->label.len == 0;
}

/* ---- ways to wrap ------------------------------------------------------ */

const char *const ownkey_vault_way_names[] = { "symmetric",
                                               "symmetric-derived",
                                               "rsa-oaep-sha256", NULL };

bool
ownkey_vault_way_by_name(const char *name, enum ownkey_vault_way *way)
{
    for (int i = 0; ownkey_vault_way_names[i] != NULL; i++) {
        if (strcmp(ownkey_vault_way_names[i], name) == 0) {
            *way = (enum ownkey_vault_way)i;
            return true;
        }
    }
    return false;
}

static char *
to_base64(const uint8_t *data, size_t len)
{
    char *text = malloc(ownkey_base64_len(len) + 1);

    if (text != NULL)
        ownkey_base64_encode(data, len, text);
    return text;
}

enum ownkey_status
ownkey_vault_binding_init(struct ownkey_vault_binding *binding,
                          enum ownkey_vault_way way,
                          const struct ownkey_context *context)
{
    static const uint8_t nothing = 0;
    struct ownkey_bytes bytes = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    *binding = (struct ownkey_vault_binding){ .way = way };
    if (way == OWNKEY_VAULT_RSA)
        return OWNKEY_OK;
    if (context != NULL && context->len > 0)
        st = ownkey_context_encode(context, &bytes);
    if (st == OWNKEY_OK && bytes.len > 0)
        binding->text = to_base64(bytes.data, bytes.len);
    else if (st == OWNKEY_OK && way == OWNKEY_VAULT_DERIVED)
        binding->text = to_base64(&nothing, 1);
    if (binding->text == NULL && (bytes.len > 0 || way == OWNKEY_VAULT_DERIVED))
        st = OWNKEY_NOMEM;
    ownkey_bytes_clear(&bytes);
    return st;
}

void
ownkey_vault_binding_clear(struct ownkey_vault_binding *binding)
{
    free(binding->text);
    *binding = (struct ownkey_vault_binding){ 0 };
}

/* ---- what is to be opened ---------------------------------------------- */

static bool
is_base64(struct ownkey_blob text)
{
    struct ownkey_bytes bytes = { 0 };
    bool ok = ownkey_base64_decode((const char *)text.data, text.len, &bytes) ==
              OWNKEY_OK;

    ownkey_bytes_clear(&bytes);
    return ok;
}

enum ownkey_status
ownkey_vault_sealed_init(struct ownkey_vault_sealed *sealed,
                         enum ownkey_vault_way way,
                         struct ownkey_blob ciphertext, const char *version,
                         const struct ownkey_context *context,
                         struct ownkey_error *err)
{
    struct ownkey_vault_text parts;
    uint32_t said;

    *sealed = (struct ownkey_vault_sealed){ 0 };
    if (!ownkey_vault_text_parse(ciphertext, &parts) ||
        !is_base64(parts.payload))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "what was wrapped is no ciphertext of Vault");
    if (!ownkey_vault_version_parse(version, &said) || said != parts.version)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext is of version %u of the key, the "
                           "header says \"%.20s\"", parts.version, version);
    sealed->version = parts.version;
    sealed->text = strndup((const char *)ciphertext.data, ciphertext.len);
    if (sealed->text != NULL &&
        ownkey_vault_binding_init(&sealed->binding, way, context) == OWNKEY_OK)
        return OWNKEY_OK;
    ownkey_vault_sealed_clear(sealed);
    return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

enum ownkey_status
ownkey_vault_sealed_of_rsa(struct ownkey_vault_sealed *sealed,
                           uint32_t version, struct ownkey_blob bytes)
{
    size_t size = ownkey_base64_len(bytes.len) + 32;
    int n;

    *sealed = (struct ownkey_vault_sealed){
        .version = version,
        .binding = { .way = OWNKEY_VAULT_RSA },
        .text = malloc(size),
    };
    if (sealed->text == NULL)
        return OWNKEY_NOMEM;
    n = snprintf(sealed->text, size, "vault:v%u:", version);
    ownkey_base64_encode(bytes.data, bytes.len, sealed->text + n);
    return OWNKEY_OK;
}

void
ownkey_vault_sealed_clear(struct ownkey_vault_sealed *sealed)
{
    free(sealed->text);
    ownkey_vault_binding_clear(&sealed->binding);
    *sealed = (struct ownkey_vault_sealed){ 0 };
}

/* ---- building ---------------------------------------------------------- */

/* Bytes as base64, which is left in *text until the body is printed. */
static bool
add_bytes(cJSON *object, const char *name, struct ownkey_blob bytes,
          struct ownkey_secret *text)
{
    if (ownkey_secret_alloc(text, ownkey_base64_len(bytes.len) + 1) !=
        OWNKEY_OK)
        return false;
    ownkey_base64_encode(bytes.data, bytes.len, (char *)text->data);
    return ownkey_json_add_text(object, name, (const char *)text->data);
}

static bool
add_binding(cJSON *object, const struct ownkey_vault_binding *binding)
{
    return binding->text == NULL ||
           ownkey_json_add_text(object,
                                binding->way == OWNKEY_VAULT_DERIVED
                                    ? "context"
                                    : "associated_data",
                                binding->text);
}

static bool
add_version(cJSON *object, uint32_t version)
{
    return version == 0 ||
           cJSON_AddNumberToObject(object, "key_version", version) != NULL;
}

/* The last step of each: prints if all went well, and cleans up. */
static enum ownkey_status
finish(cJSON *object, bool ok, struct ownkey_secret *text,
       struct ownkey_secret *body)
{
    enum ownkey_status st = ok ? ownkey_json_print(object, body) : OWNKEY_NOMEM;

    ownkey_json_free(object);
    if (text != NULL)
        ownkey_secret_clear(text);
    return st;
}

enum ownkey_status
ownkey_vault_body_encrypt(const struct ownkey_secret *plain,
                          const struct ownkey_vault_binding *binding,
                          struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok =
        object != NULL &&
        add_bytes(object, "plaintext", ownkey_blob_secret(plain), &text) &&
        add_binding(object, binding);

    return finish(object, ok, &text, body);
}

static bool
add_sealed(cJSON *object, const struct ownkey_vault_sealed *sealed)
{
    return ownkey_json_add_text(object, "ciphertext", sealed->text) &&
           add_binding(object, &sealed->binding);
}

enum ownkey_status
ownkey_vault_body_open(const struct ownkey_vault_sealed *sealed,
                       struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();

    return finish(object, object != NULL && add_sealed(object, sealed), NULL,
                  body);
}

static bool
add_item(cJSON *list, const struct ownkey_vault_sealed *sealed, size_t place)
{
    cJSON *item = cJSON_CreateObject();
    char reference[24];

    (void)snprintf(reference, sizeof(reference), "%zu", place);
    if (item != NULL && add_sealed(item, sealed) &&
        cJSON_AddStringToObject(item, "reference", reference) != NULL &&
        cJSON_AddItemToArray(list, item))
        return true;
    cJSON_Delete(item);
    return false;
}

enum ownkey_status
ownkey_vault_body_batch(const struct ownkey_vault_sealed *const *sealed,
                        size_t count, struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *list = object != NULL
                      ? cJSON_AddArrayToObject(object, "batch_input")
                      : NULL;
    bool ok = list != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = add_item(list, sealed[i], i);
    return finish(object, ok, NULL, body);
}

enum ownkey_status
ownkey_vault_body_datakey(size_t len,
                          const struct ownkey_vault_binding *binding,
                          struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    bool ok = object != NULL &&
              cJSON_AddNumberToObject(object, "bits", (double)(len * 8)) !=
                  NULL &&
              add_binding(object, binding);

    return finish(object, ok, NULL, body);
}

/* salt: room for a number, until the body is printed. */
static bool
add_rsa(cJSON *object, const struct ownkey_sign_request *r, char salt[12])
{
    bool pss = r->padding == OWNKEY_PAD_PSS;

    if (!ownkey_json_add_text(object, "signature_algorithm",
                              pss ? "pss" : "pkcs1v15"))
        return false;
    if (!pss)
        return true;
    if (r->salt_len == (int)ownkey_hash_info(r->hash)->len)
        (void)snprintf(salt, 12, "hash");
    else
        (void)snprintf(salt, 12, "%d", r->salt_len);
    return ownkey_json_add_text(object, "salt_length", salt);
}

enum ownkey_status
ownkey_vault_body_sign(enum ownkey_key_type type,
                       const struct ownkey_sign_request *request,
                       uint32_t key_version, struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    char salt[12];
    bool ok = object != NULL &&
              add_bytes(object, "input", request->input, &text) &&
              add_version(object, key_version);

    /* Ed25519 signs the message itself. */
    if (ok && request->hash != OWNKEY_HASH_NONE)
        ok = cJSON_AddTrueToObject(object, "prehashed") != NULL &&
             ownkey_json_add_text(object, "hash_algorithm",
                                  ownkey_vault_hash(request->hash)) &&
             ownkey_json_add_text(object, "marshaling_algorithm", "asn1");
    if (ok && ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA)
        ok = add_rsa(object, request, salt);
    return finish(object, ok, &text, body);
}

enum ownkey_status
ownkey_vault_body_mac(struct ownkey_blob message, uint32_t key_version,
                      struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    struct ownkey_secret text = { 0 };
    bool ok = object != NULL && add_bytes(object, "input", message, &text) &&
              add_version(object, key_version);

    return finish(object, ok, &text, body);
}

enum ownkey_status
ownkey_vault_body_fields(const struct ownkey_vault_field *fields, size_t count,
                         struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    bool ok = object != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = fields[i].value == NULL ||
             ownkey_json_add_text(object, fields[i].name, fields[i].value);
    return finish(object, ok, NULL, body);
}

enum ownkey_status
ownkey_vault_body_paths(const char *path, struct ownkey_secret *body)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *list =
        object != NULL ? cJSON_AddArrayToObject(object, "paths") : NULL;
    cJSON *item = cJSON_CreateString(path);
    bool ok = list != NULL && item != NULL && cJSON_AddItemToArray(list, item);

    if (!ok)
        cJSON_Delete(item);
    return finish(object, ok, NULL, body);
}
