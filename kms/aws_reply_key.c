/* SPDX-License-Identifier: Apache-2.0 */
/* What the service says of a key. */
#include <stdio.h>
#include <string.h>

#include "kms/aws_reply.h"
#include "kms/aws_reply_parts.h"
#include "kms/aws_request.h"

enum { PUBLIC_KEY_MAX = 8192 }; /* bytes */

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
        st = ownkey_aws_need_text(json, "CustomerMasterKeySpec", &spec, err);
    else
        st = ownkey_aws_need_text(json, "KeySpec", &spec, err);
    if (st != OWNKEY_OK)
        return st;
    if (ownkey_aws_key_type(spec, type) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key of kind %.60s is not known to this version",
                           spec);
    return OWNKEY_OK;
}

/* 0: none, or out of all bounds. */
static int64_t
read_date(const cJSON *m, const char *name)
{
    double date;

    return ownkey_json_number(m, name, &date) == OWNKEY_OK && date > 0 &&
                   date < 1e12
               ? (int64_t)date
               : 0;
}

/* Of imported key material, which the service deletes then. */
static int64_t
read_expiry(const cJSON *m)
{
    const char *model;

    return ownkey_json_text(m, "ExpirationModel", &model) == OWNKEY_OK &&
                   model != NULL &&
                   strcmp(model, "KEY_MATERIAL_EXPIRES") == 0
               ? read_date(m, "ValidTo")
               : 0;
}

static enum ownkey_status
read_metadata(const cJSON *m, const char *asked, struct ownkey_key_info *info,
              struct ownkey_error *err)
{
    const char *arn, *state, *usage;
    enum ownkey_status st = ownkey_aws_need_key(m, "Arn", asked, &arn, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_text(m, "KeyState", &state, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_text(m, "KeyUsage", &usage, err);
    if (st == OWNKEY_OK)
        st = need_type(m, &info->type, err);
    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(info->id, sizeof(info->id), "%s", arn);
    info->state = state_of(state);
    if (info->state == OWNKEY_KEY_PENDING_DELETION)
        info->deletion_s = read_date(m, "DeletionDate");
    info->expires_s = read_expiry(m);
    info->can_wrap = strcmp(usage, "ENCRYPT_DECRYPT") == 0;
    info->can_sign = strcmp(usage, "SIGN_VERIFY") == 0;
    info->can_mac = strcmp(usage, "GENERATE_VERIFY_MAC") == 0;
    info->can_derive = strcmp(usage, "KEY_AGREEMENT") == 0;
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
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

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
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_bytes(json, "PublicKey", PUBLIC_KEY_MAX, &b, err);
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
