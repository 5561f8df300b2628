/* SPDX-License-Identifier: Apache-2.0 */
/* What Google Cloud KMS says about a key: its public part, its state. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "kms/gcp_reply.h"
#include "kms/gcp_reply_parts.h"

enum { PEM_MAX_LEN = 8192 };

/* ---- time -------------------------------------------------------------- */

int64_t
ownkey_gcp_time(const char *text)
{
    struct tm tm = { 0 };
    const char *rest;

    if (strlen(text) < 20 || text[4] != '-' || text[10] != 'T')
        return -1;
    rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL)
        return -1;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    return strcmp(rest, "Z") == 0 ? (int64_t)timegm(&tm) : -1;
}

/* ---- public key -------------------------------------------------------- */

static enum ownkey_status
need_algorithm(const cJSON *json, const struct ownkey_gcp_algorithm **a,
               struct ownkey_error *err)
{
    const char *name;
    enum ownkey_status st = ownkey_json_need_text(json, "algorithm", &name,
                                                 err);

    if (st != OWNKEY_OK)
        return st;
    *a = ownkey_gcp_algorithm(name);
    if (*a == NULL)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key with the algorithm %.60s is not known to "
                           "this version", name);
    return OWNKEY_OK;
}

/* One PEM block "PUBLIC KEY" and nothing after it. */
static enum ownkey_status
read_pem(const char *pem, size_t len, struct ownkey_bytes *spki)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----\n";
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long der_len = 0;
    enum ownkey_status st = OWNKEY_PROTOCOL;

    (void)ERR_set_mark();
    if (bio == NULL)
        st = OWNKEY_NOMEM;
    else if (strncmp(pem, begin, sizeof(begin) - 1) == 0 &&
             PEM_read_bio(bio, &name, &header, &der, &der_len) == 1 &&
             strcmp(name, "PUBLIC KEY") == 0 && header[0] == '\0' &&
             BIO_pending(bio) == 0 && der_len > 0)
        st = ownkey_bytes_copy(spki, der, (size_t)der_len);
    (void)ERR_pop_to_mark();
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    return st;
}

static enum ownkey_status
need_pem(const cJSON *json, struct ownkey_bytes *spki, bool *again,
         struct ownkey_error *err)
{
    const char *pem;
    enum ownkey_status st = ownkey_json_need_text(json, "pem", &pem, err);

    if (st != OWNKEY_OK)
        return st;
    if (strlen(pem) > PEM_MAX_LEN)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "pem in the reply has a wrong length");
    st = ownkey_gcp_check_crc(json, "pemCrc32c", ownkey_blob_text(pem), again,
                              err);
    if (st != OWNKEY_OK)
        return st;
    st = read_pem(pem, strlen(pem), spki);
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "pem in the reply is no public key");
    return OWNKEY_OK;
}

/* The key itself has to be of the kind that the reply says. */
static enum ownkey_status
check_spki(const struct ownkey_bytes *spki,
           const struct ownkey_gcp_algorithm *a, struct ownkey_error *err)
{
    enum ownkey_key_type is;

    if (ownkey_key_type_of_spki(ownkey_blob_of(spki), &is) != OWNKEY_OK ||
        is != a->type)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "pem in the reply is no %s key",
                           ownkey_key_type_info(a->type)->name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_reply_public_key(struct ownkey_blob body,
                            const struct ownkey_gcp_name *asked,
                            const struct ownkey_gcp_algorithm **algorithm,
                            struct ownkey_bytes *spki, bool *again,
                            struct ownkey_error *err)
{
    const struct ownkey_gcp_algorithm *a = NULL;
    struct ownkey_gcp_name name;
    struct ownkey_bytes b = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_gcp_need_name(json, asked, &name, err);
    if (st == OWNKEY_OK)
        st = need_algorithm(json, &a, err);
    if (st == OWNKEY_OK)
        st = need_pem(json, &b, again, err);
    if (st == OWNKEY_OK)
        st = check_spki(&b, a, err);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(spki);
        *spki = b;
        b = (struct ownkey_bytes){ 0 };
        *algorithm = a;
    }
    ownkey_bytes_clear(&b);
    ownkey_json_free(json);
    return st;
}

/* ---- describe ---------------------------------------------------------- */

static const struct {
    const char *name;
    enum ownkey_key_state state;
    bool gone;
} states[] = {
    { "ENABLED", OWNKEY_KEY_ENABLED, false },
    { "DISABLED", OWNKEY_KEY_DISABLED, false },
    { "DESTROY_SCHEDULED", OWNKEY_KEY_PENDING_DELETION, false },
    { "PENDING_EXTERNAL_DESTRUCTION", OWNKEY_KEY_PENDING_DELETION, false },
    { "DESTROYED", OWNKEY_KEY_DISABLED, true },
    { "EXTERNAL_DESTRUCTION_FAILED", OWNKEY_KEY_DISABLED, true },
    { "IMPORT_FAILED", OWNKEY_KEY_DISABLED, true },
    { "GENERATION_FAILED", OWNKEY_KEY_DISABLED, true },
    /* PENDING_GENERATION, PENDING_IMPORT and what is not known here cannot be
       used: that much is certain. */
};

static enum ownkey_status
read_state(const cJSON *version, struct ownkey_key_info *info,
           struct ownkey_error *err)
{
    const char *state, *destroy = NULL;
    enum ownkey_status st = ownkey_json_need_text(version, "state", &state,
                                                 err);

    if (st != OWNKEY_OK)
        return st;
    if (ownkey_json_text(version, "destroyTime", &destroy) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "destroyTime in the reply is not one string");
    info->state = OWNKEY_KEY_UNAVAILABLE;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i].name, state) != 0)
            continue;
        if (states[i].gone)
            return ownkey_fail(err, OWNKEY_GONE,
                               "version %s of the key is %s: it cannot be "
                               "used again", info->version, state);
        info->state = states[i].state;
    }
    if (info->state == OWNKEY_KEY_PENDING_DELETION && destroy != NULL &&
        ownkey_gcp_time(destroy) > 0)
        info->deletion_s = ownkey_gcp_time(destroy);
    return OWNKEY_OK;
}

static enum ownkey_status
read_version(const cJSON *version, const struct ownkey_gcp_name *asked,
             struct ownkey_key_info *info,
             const struct ownkey_gcp_algorithm **a, struct ownkey_error *err)
{
    struct ownkey_gcp_name name;
    enum ownkey_status st = ownkey_gcp_need_name(version, asked, &name, err);

    if (st != OWNKEY_OK)
        return st;
    if (name.version[0] == '\0')
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "name in the reply is of no version");
    (void)snprintf(info->id, sizeof(info->id), "%s", name.key);
    (void)snprintf(info->version, sizeof(info->version), "%s", name.version);
    st = need_algorithm(version, a, err);
    if (st != OWNKEY_OK)
        return st;
    info->type = (*a)->type;
    info->can_wrap = ownkey_gcp_wrap_name(*a) != NULL;
    info->can_sign = (*a)->purpose == OWNKEY_GCP_SIGN;
    info->can_mac = (*a)->purpose == OWNKEY_GCP_MAC;
    return read_state(version, info, err);
}

/* A key: only one for encrypt and decrypt has a version of its own. */
static enum ownkey_status
read_key(const cJSON *key, const struct ownkey_gcp_name *asked,
         struct ownkey_key_info *info, const struct ownkey_gcp_algorithm **a,
         struct ownkey_error *err)
{
    const cJSON *primary = NULL;
    struct ownkey_gcp_name name;
    const char *purpose;
    enum ownkey_status st = ownkey_gcp_need_name(key, asked, &name, err);

    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(key, "purpose", &purpose, err);
    if (st != OWNKEY_OK)
        return st;
    if (strcmp(purpose, "ENCRYPT_DECRYPT") != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the key's purpose is %.60s: such a key is used by "
                           "version; add /cryptoKeyVersions/N to its URI",
                           purpose);
    if (ownkey_json_object(key, "primary", &primary) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "primary in the reply is not one object");
    if (primary != NULL)
        return read_version(primary, asked, info, a, err);
    (void)snprintf(info->id, sizeof(info->id), "%s", name.key);
    info->state = OWNKEY_KEY_UNAVAILABLE;
    info->can_wrap = true;
    *a = ownkey_gcp_algorithm_of_type(OWNKEY_KEY_AES_256);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_reply_describe(struct ownkey_blob body,
                          const struct ownkey_gcp_name *asked,
                          struct ownkey_key_info *info,
                          const struct ownkey_gcp_algorithm **algorithm,
                          struct ownkey_error *err)
{
    const struct ownkey_gcp_algorithm *a = NULL;
    struct ownkey_key_info i = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = asked->version[0] != '\0' ? read_version(json, asked, &i, &a, err)
                                       : read_key(json, asked, &i, &a, err);
    if (st == OWNKEY_OK) {
        *info = i;
        *algorithm = a;
    }
    ownkey_json_free(json);
    return st;
}
