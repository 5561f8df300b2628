/* SPDX-License-Identifier: Apache-2.0 */
/* A remote key from its section: what it is and what it is for. No call. */
#include "token/internal.h"

/* What the type allows, and is taken for when the section does not say. */
static void
usage_of(enum ownkey_key_type type, unsigned *allowed, unsigned *usual)
{
    switch (ownkey_key_type_info(type)->family) {
    case OWNKEY_FAMILY_RSA:
        *allowed = *usual = OWNKEY_USAGE_SIGN | OWNKEY_USAGE_DECRYPT;
        break;
    case OWNKEY_FAMILY_EC:
        *allowed = OWNKEY_USAGE_SIGN | OWNKEY_USAGE_DERIVE;
        *usual = OWNKEY_USAGE_SIGN;
        break;
    case OWNKEY_FAMILY_ED:
        *allowed = *usual = OWNKEY_USAGE_SIGN;
        break;
    case OWNKEY_FAMILY_HMAC:
        *allowed = *usual = OWNKEY_USAGE_MAC;
        break;
    case OWNKEY_FAMILY_AES:
        *allowed = *usual = 0;
        break;
    }
}

static enum ownkey_status
take_usage(struct ownkey_key *key)
{
    const struct ownkey_conf_key *conf = key->conf;
    unsigned allowed = 0;
    unsigned usual = 0;

    usage_of(key->type, &allowed, &usual);
    if ((conf->usage & ~allowed) != 0)
        return ownkey_fail(&key->error, OWNKEY_CONFIG,
                           "%s: a key of type %s has no such usage",
                           conf->usage_where,
                           ownkey_key_type_info(key->type)->name);
    key->usage = conf->usage != 0 ? conf->usage : usual;
    return OWNKEY_OK;
}

/* From the public part, or what the section says where there can be none. */
static enum ownkey_status
take_type(struct ownkey_key *key)
{
    const struct ownkey_conf_key *conf = key->conf;
    struct ownkey_blob spki = ownkey_blob_of(&conf->public_key);
    enum ownkey_key_type named = OWNKEY_KEY_AES_256;
    enum ownkey_status st = OWNKEY_OK;

    if (conf->type != NULL &&
        (ownkey_key_type_by_name(conf->type, &named) != OWNKEY_OK ||
         named == OWNKEY_KEY_AES_256))
        return ownkey_fail(&key->error, OWNKEY_CONFIG,
                           "%s: type = %.40s: no type of a remote key; such "
                           "are hmac-sha256, ec-p256, rsa-2048",
                           conf->type_where, conf->type);
    if (spki.len > 0)
        st = ownkey_token_key_type(conf->where, spki, &key->type, &key->error);
    else
        key->type = named;
    if (st == OWNKEY_OK && conf->type != NULL && key->type != named)
        st = ownkey_fail(&key->error, OWNKEY_CONFIG,
                         "%s: type = %s, but the configured public part is "
                         "of type %s",
                         conf->type_where, conf->type,
                         ownkey_key_type_info(key->type)->name);
    return st;
}

static bool
needs_public(const struct ownkey_key *key)
{
    return ownkey_key_type_info(key->type)->family != OWNKEY_FAMILY_HMAC;
}

enum ownkey_status
ownkey_key_open(struct ownkey_key *key)
{
    const struct ownkey_conf_key *conf = key->conf;
    struct ownkey_blob spki = ownkey_blob_of(&conf->public_key);
    struct ownkey_error *err = &key->error;
    enum ownkey_status st;

    if (conf->error.status != OWNKEY_OK) {
        *err = conf->error;
        return err->status;
    }
    st = take_type(key);
    if (st == OWNKEY_OK)
        st = ownkey_object_id(spki.len > 0 ? spki : ownkey_blob_text(conf->uri),
                     key->id);
    if (st == OWNKEY_OK) {
        struct ownkey_kms_config config = { .uri = conf->uri,
                                            .type = key->type,
                                            .public_key = spki,
                                            .options = &conf->options };

        st = ownkey_token_open_kms(key->token, conf->uri_where, &config,
                                   &key->kms, err);
    }
    if (st == OWNKEY_OK && spki.len == 0 && needs_public(key))
        st = ownkey_fail(
            err, OWNKEY_CONFIG,
            "%s: key %s has neither certificate nor public_key; write the "
            "public part with `ownkey key public %s/%s > FILE` and add "
            "`public_key = FILE` (a MAC key has none: `type = hmac-sha256`)",
            conf->where, conf->name, key->token->conf->name, conf->name);
    if (st == OWNKEY_OK)
        st = take_usage(key);
    err->status = st;
    return st;
}
