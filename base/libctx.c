/* SPDX-License-Identifier: Apache-2.0 */
#include "base/libctx.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/fork.h"

/* The context and the process it was made in; replaced in a child, not freed. */
struct holder {
    OSSL_LIB_CTX *ctx;
    OSSL_PROVIDER *provider;
    uint64_t generation;
    struct holder *former; /* the parent's: kept, so that no tool sees a leak */
};

static _Atomic(struct holder *) current;
static _Thread_local unsigned depth;

static void
holder_free(struct holder *h)
{
    if (h == NULL)
        return;
    if (h->provider != NULL)
        (void)OSSL_PROVIDER_unload(h->provider);
    OSSL_LIB_CTX_free(h->ctx);
    free(h);
}

static struct holder *
holder_new(uint64_t generation)
{
    struct holder *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    h->generation = generation;
    h->ctx = OSSL_LIB_CTX_new();
    if (h->ctx != NULL)
        h->provider = OSSL_PROVIDER_load(h->ctx, "default");
    if (h->provider == NULL) {
        holder_free(h);
        return NULL;
    }
    return h;
}

OSSL_LIB_CTX *
ownkey_libctx(void)
{
    uint64_t generation = ownkey_fork_generation();
    struct holder *seen = atomic_load(&current);
    struct holder *made;

    if (seen != NULL && seen->generation == generation)
        return seen->ctx;
    made = holder_new(generation);
    if (made == NULL)
        return NULL;
    made->former = seen;
    /* Of several threads that get here together one wins, the others free. */
    if (atomic_compare_exchange_strong(&current, &seen, made))
        return made->ctx;
    holder_free(made);
    return seen->generation == generation ? seen->ctx : NULL;
}

bool
ownkey_libctx_enter(struct ownkey_libctx_scope *scope)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();

    if (ctx == NULL)
        return false;
    scope->previous = OSSL_LIB_CTX_set0_default(ctx);
    depth++;
    return true;
}

void
ownkey_libctx_leave(struct ownkey_libctx_scope *scope)
{
    depth--;
    (void)OSSL_LIB_CTX_set0_default(scope->previous);
}

void
ownkey_libctx_guard(void)
{
    depth++;
}

void
ownkey_libctx_unguard(void)
{
    depth--;
}

bool
ownkey_libctx_inside(void)
{
    return depth > 0;
}
