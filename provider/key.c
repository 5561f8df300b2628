/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/libctx.h"

static const struct {
    const char *name;
    const char *names;
    const char *operation;
} types[OWNKEY_PROV_TYPES] = {
    [OWNKEY_PROV_RSA] = {"RSA", "RSA:rsaEncryption:1.2.840.113549.1.1.1",
                         "OWNKEY-RSA"},
    [OWNKEY_PROV_RSA_PSS] = {"RSA-PSS",
                             "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10",
                             "OWNKEY-RSA"},
    [OWNKEY_PROV_EC] = {"EC", "EC:id-ecPublicKey:1.2.840.10045.2.1",
                        "OWNKEY-EC"},
    [OWNKEY_PROV_ED25519] = {"ED25519", "ED25519:1.3.101.112",
                             "OWNKEY-ED25519"},
    [OWNKEY_PROV_KEK] = {"OWNKEY-KEK", "OWNKEY-KEK", "OWNKEY-KEK"},
    [OWNKEY_PROV_MAC] = {"OWNKEY-MAC", "OWNKEY-MAC", "OWNKEY-MAC"},
};

const char *
ownkey_prov_type_names(enum ownkey_prov_type type)
{
    return types[type].names;
}

const char *
ownkey_prov_type_name(enum ownkey_prov_type type)
{
    return types[type].name;
}

const char *
ownkey_prov_type_operation(enum ownkey_prov_type type)
{
    return types[type].operation;
}

bool
ownkey_prov_hash_by_name(const char *name, enum ownkey_hash *hash)
{
    EVP_MD *md;
    bool found = false;

    ERR_set_mark();
    md = EVP_MD_fetch(ownkey_libctx(), name, NULL);
    ERR_pop_to_mark();
    if (md == NULL)
        return false;
    for (int h = OWNKEY_HASH_SHA1; h <= OWNKEY_HASH_SHA512 && !found; h++) {
        found = EVP_MD_is_a(md, ownkey_hash_info((enum ownkey_hash)h)->name);
        if (found)
            *hash = (enum ownkey_hash)h;
    }
    EVP_MD_free(md);
    return found;
}

static enum ownkey_status
set_uri(struct ownkey_prov_key *k, struct ownkey_error *err)
{
    const char *token = ownkey_token_name(k->token);
    const char *name = k->key != NULL ? ownkey_key_name(k->key) : "";
    size_t size = strlen("ownkey:/") + strlen(token) + strlen(name) + 1;

    k->uri = malloc(size);
    if (k->uri == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    (void)snprintf(k->uri, size, "ownkey:%s%s%s", token,
                   k->key != NULL ? "/" : "", name);
    return OWNKEY_OK;
}

static enum ownkey_prov_type
type_of(const struct ownkey_prov_key *k)
{
    switch (ownkey_key_type_info(k->key_type)->family) {
    case OWNKEY_FAMILY_RSA:
        return EVP_PKEY_is_a(k->pub, "RSA-PSS") ? OWNKEY_PROV_RSA_PSS
                                                : OWNKEY_PROV_RSA;
    case OWNKEY_FAMILY_EC:
        return OWNKEY_PROV_EC;
    case OWNKEY_FAMILY_ED:
        return OWNKEY_PROV_ED25519;
    case OWNKEY_FAMILY_HMAC:
        return OWNKEY_PROV_MAC;
    case OWNKEY_FAMILY_AES:
        break;
    }
    return OWNKEY_PROV_KEK;
}

/* Fills what token and key say. */
static enum ownkey_status
describe(struct ownkey_prov_key *k, struct ownkey_error *err)
{
    const struct ownkey_error *why = k->key != NULL
                                         ? ownkey_key_error(k->key)
                                         : ownkey_token_error(k->token);
    struct ownkey_blob spki;
    enum ownkey_status st;

    if (why->status != OWNKEY_OK) {
        *err = *why;
        return why->status;
    }
    k->key_type = k->key != NULL ? ownkey_key_type(k->key)
                                 : ownkey_token_kek_type(k->token);
    spki = k->key != NULL ? ownkey_key_spki(k->key)
                          : ownkey_token_kek_public(k->token);
    if (spki.len > 0) {
        st = ownkey_public_pkey(spki, &k->pub, err);
        if (st != OWNKEY_OK)
            return st;
    }
    k->type = type_of(k);
    return set_uri(k, err);
}

enum ownkey_status
ownkey_prov_key_new(struct ownkey_prov *prov, const char *uri,
                    struct ownkey_prov_key **key, struct ownkey_error *err)
{
    struct ownkey_tokens *tokens;
    struct ownkey_prov_key *k;
    enum ownkey_status st = ownkey_prov_tokens(prov, &tokens, err);

    if (st != OWNKEY_OK)
        return st;
    k = calloc(1, sizeof(*k));
    if (k == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    k->prov = prov;
    atomic_init(&k->refs, 1);
    st = ownkey_tokens_resolve(tokens, uri, &k->token, &k->key, err);
    if (st == OWNKEY_OK)
        st = describe(k, err);
    if (st != OWNKEY_OK) {
        ownkey_prov_key_free(k);
        return st;
    }
    *key = k;
    return OWNKEY_OK;
}

struct ownkey_prov_key *
ownkey_prov_key_ref(struct ownkey_prov_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void
ownkey_prov_key_free(struct ownkey_prov_key *key)
{
    if (key == NULL ||
        atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(key->pub);
    free(key->uri);
    free(key);
}

bool
ownkey_prov_key_can_sign(const struct ownkey_prov_key *key,
                         enum ownkey_padding padding, enum ownkey_hash hash,
                         int salt_len)
{
    /* The questions before the digest is there need one of its length. */
    static const uint8_t zeros[64];
    struct ownkey_sign_request request = {
        .padding = padding,
        .hash = hash,
        .salt_len = salt_len,
        .input = {zeros, ownkey_hash_info(hash)->len},
    };

    return key->key != NULL && ownkey_key_can_sign(key->key, &request);
}

static bool
signs_with(const struct ownkey_prov_key *key, enum ownkey_hash hash)
{
    int salt_len = (int)ownkey_hash_info(hash)->len;

    if (key->type == OWNKEY_PROV_EC)
        return ownkey_prov_key_can_sign(key, OWNKEY_PAD_NONE, hash, 0);
    return ownkey_prov_key_can_sign(key, OWNKEY_PAD_PKCS1, hash, 0) ||
           ownkey_prov_key_can_sign(key, OWNKEY_PAD_PSS, hash, salt_len);
}

enum ownkey_hash
ownkey_prov_key_hash(const struct ownkey_prov_key *key)
{
    enum ownkey_hash hash = ownkey_key_type_info(key->key_type)->hash;

    if (key->type == OWNKEY_PROV_KEK || key->type == OWNKEY_PROV_ED25519)
        return OWNKEY_HASH_NONE;
    if (key->type == OWNKEY_PROV_MAC)
        return hash;
    if (signs_with(key, hash))
        return hash;
    for (int h = OWNKEY_HASH_SHA512; h > OWNKEY_HASH_SHA1; h--) {
        if (signs_with(key, (enum ownkey_hash)h))
            return (enum ownkey_hash)h;
    }
    return hash;
}
