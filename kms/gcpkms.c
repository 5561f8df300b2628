/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcpkms.h"

#include <stdlib.h>
#include <string.h>

#include "kms/gcp_reply.h"
#include "kms/gcpkms_parts.h"

enum ownkey_status
ownkey_gcpkms_no_memory(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
}

const struct ownkey_gcp_algorithm *
ownkey_gcpkms_algorithm(const struct ownkey_gcpkms *k)
{
    const struct ownkey_gcp_algorithm *a = k->client.config.algorithm;

    if (a == NULL)
        a = atomic_load(&k->learnt);
    return a != NULL ? a : ownkey_gcp_algorithm_of_type(k->base.type);
}

/* What a reply is compared with, and what reading it fills. */
struct reading {
    const struct ownkey_gcp_name *asked;
    const struct ownkey_gcp_algorithm *algorithm;
    struct ownkey_key_info *info;
    struct ownkey_bytes *spki;
};

/* ---- describe, public key ---------------------------------------------- */

/* What the service says about the key is what counts from now on. */
static enum ownkey_status
learn(struct ownkey_gcpkms *k, const struct ownkey_gcp_algorithm *a,
      struct ownkey_error *err)
{
    const struct ownkey_gcp_algorithm *set = k->client.config.algorithm;

    if (set != NULL && set != a)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "gcp.algorithm is %s, but the key's is %s",
                           set->name, a->name);
    atomic_store(&k->learnt, a);
    return OWNKEY_OK;
}

static enum ownkey_status
read_describe(void *arg, struct ownkey_blob body, bool *again,
              struct ownkey_error *err)
{
    struct reading *r = arg;

    (void)again;
    return ownkey_gcp_reply_describe(body, r->asked, r->info, &r->algorithm,
                                     err);
}

/* Only what is read: the attestation of an HSM key is longer than a reply. */
static const char version_fields[] =
    "?fields=name,state,algorithm,destroyTime";
static const char key_fields[] =
    "?fields=name,purpose,primary.name,primary.state,primary.algorithm,"
    "primary.destroyTime";

static enum ownkey_status
gcpkms_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);
    const struct ownkey_gcp_name *name = &k->client.config.name;
    struct ownkey_key_info found = { 0 };
    struct reading r = { .asked = name, .info = &found };
    const struct ownkey_gcp_request request = {
        .operation = "get",
        .version = name->version,
        .suffix = name->version[0] != '\0' ? version_fields : key_fields,
        .read = read_describe,
        .arg = &r,
    };
    enum ownkey_status st = ownkey_gcp_call(&k->client, &request, NULL, err);

    if (st == OWNKEY_OK)
        st = learn(k, r.algorithm, err);
    if (st == OWNKEY_OK)
        *info = found;
    return st;
}

static enum ownkey_status
read_public_key(void *arg, struct ownkey_blob body, bool *again,
                struct ownkey_error *err)
{
    struct reading *r = arg;

    return ownkey_gcp_reply_public_key(body, r->asked, &r->algorithm, r->spki,
                                       again, err);
}

enum ownkey_status
ownkey_gcpkms_fetch_public_key(struct ownkey_gcpkms *k,
                               struct ownkey_bytes *spki, uint64_t *sent_ms,
                               struct ownkey_error *err)
{
    const struct ownkey_gcp_name *name = &k->client.config.name;
    struct reading r = { .asked = name, .spki = spki };
    const struct ownkey_gcp_request request = {
        .operation = "getPublicKey",
        .version = name->version,
        .suffix = "/publicKey",
        .read = read_public_key,
        .arg = &r,
    };
    enum ownkey_status st;

    if (name->version[0] == '\0')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "a public key is of a version: add "
                           "/cryptoKeyVersions/N to gcpkms://%.300s",
                           name->key);
    st = ownkey_gcp_call(&k->client, &request, sent_ms, err);
    return st == OWNKEY_OK ? learn(k, r.algorithm, err) : st;
}

static enum ownkey_status
gcpkms_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                  struct ownkey_error *err)
{
    struct ownkey_bytes found = { 0 };
    enum ownkey_status st = ownkey_gcpkms_fetch_public_key(
        ownkey_gcpkms_of(kms), &found, NULL, err);

    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(spki);
        *spki = found;
        found = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&found);
    return st;
}

/* The algorithm, asked for if need be. */
enum ownkey_status
ownkey_gcpkms_need_algorithm(struct ownkey_gcpkms *k,
                             const struct ownkey_gcp_algorithm **a,
                             struct ownkey_error *err)
{
    struct ownkey_bytes spki = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (ownkey_gcpkms_algorithm(k) == NULL)
        st = ownkey_gcpkms_fetch_public_key(k, &spki, NULL, err);
    ownkey_bytes_clear(&spki);
    *a = ownkey_gcpkms_algorithm(k);
    if (st == OWNKEY_DENIED)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "which algorithm the key has is not known here, "
                           "and this account may not read it "
                           "(cloudkms.cryptoKeyVersions.viewPublicKey): set "
                           "gcp.algorithm");
    return st;
}

/* ---- open and free ----------------------------------------------------- */

static void
gcpkms_free(struct ownkey_kms *kms)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);

    ownkey_gcp_config_clear(&k->client.config);
    ownkey_bytes_clear(&k->public_key);
    free(k->base.uri);
    free(k);
}

static const struct ownkey_kms_ops gcpkms_ops = {
    .scheme = "gcpkms",
    .algorithms = ownkey_gcp_wrap_names,
    .describe = gcpkms_describe,
    .public_key = gcpkms_public_key,
    .wrap = ownkey_gcpkms_wrap,
    .unwrap = ownkey_gcpkms_unwrap,
    .sign = ownkey_gcpkms_sign,
    .decrypt = ownkey_gcpkms_decrypt,
    .mac = ownkey_gcpkms_mac,
    .can_sign = ownkey_gcpkms_can_sign,
    .can_decrypt = ownkey_gcpkms_can_decrypt,
    .free = gcpkms_free,
};

static enum ownkey_status
gcpkms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
            struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = calloc(1, sizeof(*k));
    enum ownkey_status st;

    if (k == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    k->base.ops = &gcpkms_ops;
    k->base.type = config->type;
    k->base.clock = config->clock;
    k->base.uri = strdup(config->uri);
    k->client.clock = config->clock;
    atomic_init(&k->learnt, NULL);
    if (k->base.uri == NULL ||
        ownkey_bytes_copy(&k->public_key, config->public_key.data,
                          config->public_key.len) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    else
        st = ownkey_gcp_config_init(&k->client.config, config->uri,
                                    config->type, config->options,
                                    config->clock, err);
    if (st != OWNKEY_OK) {
        gcpkms_free(&k->base);
        return st;
    }
    *kms = &k->base;
    return OWNKEY_OK;
}

const struct ownkey_kms_driver ownkey_gcpkms_driver = {
    .scheme = "gcpkms",
    .level = "customer KMS (level 2)",
    .open = gcpkms_open,
};
