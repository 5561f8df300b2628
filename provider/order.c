/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being harmless in every provider order. doc/provider-order.md says why and
 * how it is proved; in short:
 *
 * - A key manager with a standard name ("RSA") is what key generation, import
 *   and libssl fetch for everybody's keys. So ours is there only for the
 *   thread that takes one of our keys, at that moment.
 * - OpenSSL remembers what a fetch found, by type and property query, and
 *   gives the first it remembers to whoever asks for no particular provider.
 *   So somebody else's key manager is put there before ours can be: "primed".
 */
#include "provider/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/provider.h>

enum {
    NAMES_MAX = 1000,  /* OpenSSL keeps each for ever, 100 bytes */
    NAMES_AFTER = 200, /* for decoders that had begun before */
    ROUNDS_MAX = 3,
};

/* What this thread may find, and why. */
static _Thread_local struct {
    enum ownkey_prov_type type;
    bool delivering; /* begin to end */
    bool expected;   /* expect to the fetch, arrived or cancel */
    bool found;      /* a fetch was answered: look what it left behind */
    bool priming;    /* our own fetches, made for others */
    char alias[32];
    char names[128];
    OSSL_ALGORITHM table[2];
} grant;

/* What nobody else has a key manager for needs no care. */
static bool
has_own_name(enum ownkey_prov_type type)
{
    return type >= OWNKEY_PROV_KEK;
}

/* Of the process: a name is new in every library context. */
static atomic_uint last_name;

void
ownkey_prov_order_seen(struct ownkey_prov *prov, const char *propq)
{
    char *copy = NULL;
    bool known = false;

    if (propq == NULL)
        propq = "";
    for (size_t i = 0; i < OWNKEY_PROV_QUERIES_MAX && !known; i++) {
        char *there = atomic_load(&prov->queries[i]);

        if (there == NULL) {
            if (copy == NULL && (copy = strdup(propq)) == NULL)
                return;
            if (atomic_compare_exchange_strong(&prov->queries[i], &there, copy))
                return;
        }
        known = strcmp(there, propq) == 0;
    }
    free(copy);
}

/* What the host gets for the type, whoever asks. True: it is ours. */
static bool
host_finds_ours(struct ownkey_prov *prov, enum ownkey_prov_type type,
                const char *propq)
{
    EVP_KEYMGMT *found = EVP_KEYMGMT_fetch(
        prov->host, ownkey_prov_type_name(type), propq);
    bool ours = found != NULL &&
                OSSL_PROVIDER_get0_provider_ctx(
                    EVP_KEYMGMT_get0_provider(found)) == prov;

    EVP_KEYMGMT_free(found);
    return ours;
}

/*
 * Fetches as the host would, for every query that it is known to use, so that
 * somebody else's key manager is remembered. True: for one it is ours.
 */
static bool
prime(struct ownkey_prov *prov, enum ownkey_prov_type type)
{
    bool ours = false;
    const char *propq;

    if (!prov->same_libcrypto)
        return false;
    grant.priming = true;
    ERR_set_mark();
    for (size_t i = 0; i < OWNKEY_PROV_QUERIES_MAX; i++) {
        propq = atomic_load(&prov->queries[i]);
        if (propq == NULL)
            break;
        ours |= host_finds_ours(prov, type, propq);
    }
    ERR_pop_to_mark();
    grant.priming = false;
    return ours;
}

/* Makes the host forget what it fetched: loading a provider does that. */
static void
flush(struct ownkey_prov *prov)
{
    OSSL_PROVIDER *null;

    if (!prov->same_libcrypto)
        return;
    ERR_set_mark();
    null = OSSL_PROVIDER_try_load(prov->host, "null", 1);
    if (null != NULL)
        OSSL_PROVIDER_unload(null);
    ERR_pop_to_mark();
}

/* After a fetch found ours: the next one by anybody else must not. */
static void
clean_up(struct ownkey_prov *prov, enum ownkey_prov_type type)
{
    for (int i = 0; i < ROUNDS_MAX && prime(prov, type); i++)
        flush(prov);
}

static void
set_names(enum ownkey_prov_type type)
{
    (void)snprintf(grant.names, sizeof(grant.names), "%s%s%s",
                   ownkey_prov_type_names(type),
                   grant.alias[0] != '\0' ? ":" : "", grant.alias);
}

static bool
needs_new_name(struct ownkey_prov *prov)
{
    unsigned settled_at = atomic_load(&prov->settled_at);
    unsigned used = atomic_load(&prov->names_used);

    if (settled_at != 0 && used >= settled_at + NAMES_AFTER)
        return false;
    atomic_fetch_add(&prov->names_used, 1);
    return true;
}

const char *
ownkey_prov_order_begin(struct ownkey_prov *prov, enum ownkey_prov_type type,
                        bool by_alias)
{
    grant.type = type;
    grant.delivering = true;
    grant.found = false;
    grant.alias[0] = '\0';
    if (has_own_name(type))
        return ownkey_prov_type_name(type);
    prime(prov, type);
    /*
     * A decoder's key is fetched for by name alone, and a name that was
     * fetched before gives what is remembered: somebody else's. A new name
     * does not. OpenSSL never forgets a name, so there is an end to them:
     * see settle_down().
     */
    if (by_alias && needs_new_name(prov))
        (void)snprintf(grant.alias, sizeof(grant.alias), "OWNKEY-LOAD-%u",
                       atomic_fetch_add(&last_name, 1));
    return grant.alias[0] != '\0' ? grant.alias : ownkey_prov_type_name(type);
}

void
ownkey_prov_order_end(struct ownkey_prov *prov)
{
    grant.delivering = false;
    grant.alias[0] = '\0';
    if (grant.found)
        clean_up(prov, grant.type);
    grant.found = false;
}

void
ownkey_prov_order_expect(enum ownkey_prov_type type)
{
    if (grant.delivering || has_own_name(type))
        return;
    grant.type = type;
    grant.expected = true;
    grant.found = false;
}

void
ownkey_prov_order_cancel(void)
{
    grant.expected = false;
}

void
ownkey_prov_order_arrived(struct ownkey_prov *prov, const char *propq)
{
    ownkey_prov_order_seen(prov, propq);
    grant.expected = false;
    if (grant.found && !grant.delivering) {
        clean_up(prov, grant.type);
        grant.found = false;
    }
}

enum { OWN_NAMES = OWNKEY_PROV_TYPES - OWNKEY_PROV_KEK };

/* Fills OWN_NAMES + 1 rows: the types of our own, and the end. */
static void
set_own_names(OSSL_ALGORITHM *table)
{
    for (int t = OWNKEY_PROV_KEK; t < OWNKEY_PROV_TYPES; t++)
        *table++ = (OSSL_ALGORITHM){
            .algorithm_names =
                ownkey_prov_type_names((enum ownkey_prov_type)t),
            .property_definition = OWNKEY_PROV_PROPERTY,
            .implementation = ownkey_prov_keymgmt_of((enum ownkey_prov_type)t),
            .algorithm_description = "Secret key in a KMS",
        };
    *table = (OSSL_ALGORITHM){0};
}

/*
 * Types of our own, which nobody fetches by chance. Not kept either: what is
 * kept is asked for once, and that is for settle_down().
 */
static const OSSL_ALGORITHM *
visible(int *no_cache)
{
    static _Thread_local OSSL_ALGORITHM table[OWN_NAMES + 1];

    set_own_names(table);
    *no_cache = 1;
    return table;
}

/* Whether a plain fetch of each type finds somebody else's. */
static bool
others_are_there(struct ownkey_prov *prov)
{
    bool there = prov->same_libcrypto;

    grant.priming = true;
    ERR_set_mark();
    for (int t = OWNKEY_PROV_RSA; t < OWNKEY_PROV_KEK && there; t++) {
        EVP_KEYMGMT *found = EVP_KEYMGMT_fetch(
            prov->host, ownkey_prov_type_name((enum ownkey_prov_type)t), NULL);

        there = found != NULL &&
                OSSL_PROVIDER_get0_provider_ctx(
                    EVP_KEYMGMT_get0_provider(found)) != prov;
        EVP_KEYMGMT_free(found);
    }
    ERR_pop_to_mark();
    grant.priming = false;
    return there;
}

/*
 * A process that loads key files all day settles down: our key managers are
 * given to OpenSSL for good, so that decoders find them without new names.
 * They come behind those of others, which are there by now, and without the
 * property `provider`, so that no preference draws them forward. Only when
 * the default provider is unloaded altogether and loaded again would they be
 * first: that is why this is not done from the start.
 */
static const OSSL_ALGORITHM *
settle_down(struct ownkey_prov *prov, int *no_cache)
{
    static _Thread_local OSSL_ALGORITHM table[OWNKEY_PROV_TYPES + 1];
    unsigned never = 0;

    if (!others_are_there(prov))
        return visible(no_cache);
    for (int t = OWNKEY_PROV_RSA; t < OWNKEY_PROV_KEK; t++)
        table[t] = (OSSL_ALGORITHM){
            .algorithm_names =
                ownkey_prov_type_names((enum ownkey_prov_type)t),
            .property_definition = "ownkey.settled=yes",
            .implementation =
                ownkey_prov_keymgmt_of((enum ownkey_prov_type)t),
            .algorithm_description = "Key in a KMS",
        };
    set_own_names(table + OWNKEY_PROV_KEK);
    atomic_compare_exchange_strong(&prov->settled_at, &never,
                                   atomic_load(&prov->names_used));
    *no_cache = 0;
    return table;
}

const OSSL_ALGORITHM *
ownkey_prov_order_query(struct ownkey_prov *prov, int *no_cache)
{
    if (grant.priming)
        return visible(no_cache);
    if (has_own_name(grant.type) ||
        (!grant.delivering && !grant.expected)) {
        if (atomic_load(&prov->names_used) < NAMES_MAX)
            return visible(no_cache);
        return settle_down(prov, no_cache);
    }
    grant.expected = false;
    grant.found = true;
    prime(prov, grant.type);
    *no_cache = 1;
    set_names(grant.type);
    grant.table[0] = (OSSL_ALGORITHM){
        .algorithm_names = grant.names,
        .property_definition = OWNKEY_PROV_PROPERTY,
        .implementation = ownkey_prov_keymgmt_of(grant.type),
        .algorithm_description = "Key in a KMS",
    };
    grant.table[1] = (OSSL_ALGORITHM){0};
    return grant.table;
}
