/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/gcp_request.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/encode.h"
#include "kms/algorithm.h"
#include "kms/json.h"

enum { FIELDS_MAX = 3 };

/* A body in the making: texts live until it is printed. */
struct body {
    cJSON *json;
    struct ownkey_secret text[FIELDS_MAX];
    char crc[FIELDS_MAX][12];
    size_t count;
    bool ok;
};

static void
begin(struct body *b)
{
    *b = (struct body){ .json = cJSON_CreateObject() };
    b->ok = b->json != NULL;
}

/* Bytes as base64 into object, their CRC (of the bytes) into the body. */
static void
add_bytes_to(struct body *b, cJSON *object, const char *name,
             const char *crc_name, struct ownkey_blob bytes)
{
    struct ownkey_secret *text = &b->text[b->count];
    char *crc = b->crc[b->count];

    if (!b->ok || ownkey_secret_alloc(text, ownkey_base64_len(bytes.len) + 1) !=
                      OWNKEY_OK) {
        b->ok = false;
        return;
    }
    b->count++;
    ownkey_base64_encode(bytes.data, bytes.len, (char *)text->data);
    (void)snprintf(crc, sizeof(b->crc[0]), "%" PRIu32, ownkey_crc32c(bytes));
    b->ok = ownkey_json_add_text(object, name, (const char *)text->data) &&
            ownkey_json_add_text(b->json, crc_name, crc);
}

static void
add_bytes(struct body *b, const char *name, const char *crc_name,
          struct ownkey_blob bytes)
{
    add_bytes_to(b, b->json, name, crc_name, bytes);
}

static void
add_aad(struct body *b, struct ownkey_blob aad)
{
    add_bytes(b, "additionalAuthenticatedData",
              "additionalAuthenticatedDataCrc32c", aad);
}

/* The last step of each: prints if all went well, and cleans up. */
static enum ownkey_status
finish(struct body *b, struct ownkey_secret *body)
{
    enum ownkey_status st = OWNKEY_NOMEM;

    if (b->ok)
        st = ownkey_json_print(b->json, body);
    ownkey_json_free(b->json);
    for (size_t i = 0; i < FIELDS_MAX; i++)
        ownkey_secret_clear(&b->text[i]);
    explicit_bzero(b, sizeof(*b)); /* a CRC tells something about a key */
    return st;
}

enum ownkey_status
ownkey_gcp_request_encrypt(const struct ownkey_secret *plain,
                           struct ownkey_blob aad, struct ownkey_secret *body)
{
    struct body b;

    begin(&b);
    add_bytes(&b, "plaintext", "plaintextCrc32c", ownkey_blob_secret(plain));
    add_aad(&b, aad);
    return finish(&b, body);
}

enum ownkey_status
ownkey_gcp_request_decrypt(struct ownkey_blob ciphertext,
                           struct ownkey_blob aad, struct ownkey_secret *body)
{
    struct body b;

    begin(&b);
    add_bytes(&b, "ciphertext", "ciphertextCrc32c", ciphertext);
    add_aad(&b, aad);
    return finish(&b, body);
}

enum ownkey_status
ownkey_gcp_request_raw_decrypt(struct ownkey_blob ciphertext,
                               struct ownkey_blob iv, struct ownkey_blob aad,
                               struct ownkey_secret *body)
{
    struct body b;

    begin(&b);
    add_bytes(&b, "ciphertext", "ciphertextCrc32c", ciphertext);
    add_bytes(&b, "initializationVector", "initializationVectorCrc32c", iv);
    add_aad(&b, aad);
    return finish(&b, body);
}

enum ownkey_status
ownkey_gcp_request_asymmetric_decrypt(struct ownkey_blob ciphertext,
                                      struct ownkey_secret *body)
{
    struct body b;

    begin(&b);
    add_bytes(&b, "ciphertext", "ciphertextCrc32c", ciphertext);
    return finish(&b, body);
}

enum ownkey_status
ownkey_gcp_request_digest(enum ownkey_hash hash, struct ownkey_blob digest,
                          struct ownkey_secret *body)
{
    cJSON *member = cJSON_CreateObject();
    struct body b;

    begin(&b);
    if (member == NULL || !b.ok ||
        !cJSON_AddItemToObjectCS(b.json, "digest", member)) {
        cJSON_Delete(member);
        b.ok = false;
    }
    add_bytes_to(&b, member, ownkey_hash_info(hash)->short_name,
                 "digestCrc32c", digest);
    return finish(&b, body);
}

enum ownkey_status
ownkey_gcp_request_data(struct ownkey_blob data, struct ownkey_secret *body)
{
    struct body b;

    begin(&b);
    add_bytes(&b, "data", "dataCrc32c", data);
    return finish(&b, body);
}
