/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that are agreed on with a private key that is here (ECDH). What is
 * kept is what they are derived from; the bytes are worked out at each use, so
 * that they end with the lease of the private key.
 */
#include <stdlib.h>

#include "base/libctx.h"
#include "pkcs11/local_key.h"
#include "token/kdf.h"

struct ownkey_p11_derived {
    struct ownkey_p11_material *base;
    enum ownkey_key_type type;
    size_t field; /* bytes of the x coordinate */
    struct ownkey_bytes peer;
    struct ownkey_bytes info;
    enum ownkey_hash hash;
    size_t len;
};

void
ownkey_p11_derived_free(struct ownkey_p11_derived *d)
{
    if (d == NULL)
        return;
    ownkey_p11_material_free(d->base);
    ownkey_bytes_clear(&d->peer);
    ownkey_bytes_clear(&d->info);
    free(d);
}

CK_RV
ownkey_p11_derived_new(struct ownkey_p11_object *base,
                       const struct ownkey_derive_request *r,
                       struct ownkey_p11_derived **derived)
{
    struct ownkey_p11_derived *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return CKR_HOST_MEMORY;
    d->base = ownkey_p11_material_of(base);
    d->type = base->key_type;
    d->field = (ownkey_key_type_info(base->key_type)->bits + 7) / 8;
    d->hash = r->hash;
    d->len = r->len != 0 ? r->len : d->field;
    if (ownkey_bytes_copy(&d->peer, r->peer.data, r->peer.len) != OWNKEY_OK ||
        ownkey_bytes_copy(&d->info, r->info.data, r->info.len) != OWNKEY_OK) {
        ownkey_p11_derived_free(d);
        return CKR_HOST_MEMORY;
    }
    if (d->hash == OWNKEY_HASH_NONE && d->len > d->field) {
        ownkey_p11_derived_free(d);
        return CKR_KEY_SIZE_RANGE;
    }
    *derived = d;
    return CKR_OK;
}

struct ownkey_p11_material *
ownkey_p11_derived_base(const struct ownkey_p11_derived *d)
{
    return d->base;
}

static bool
agree(EVP_PKEY *own, EVP_PKEY *peer, struct ownkey_secret *shared)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), own, NULL);
    size_t len = shared->cap;
    bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, shared->data, &len) == 1;

    EVP_PKEY_CTX_free(ctx);
    shared->len = ok ? len : 0;
    return ok;
}

CK_RV
ownkey_p11_derived_use(struct ownkey_p11_session *s,
                       struct ownkey_p11_derived *d,
                       struct ownkey_secret *bytes, struct ownkey_lease *lease)
{
    struct ownkey_secret shared = {0};
    EVP_PKEY *own = NULL;
    EVP_PKEY *peer = NULL;
    CK_RV rv = ownkey_p11_local_pkey(s, d->base, d->type, &own, lease);

    if (rv == CKR_OK)
        rv = ownkey_p11_rv(
            ownkey_public_pkey(ownkey_blob_of(&d->peer), &peer, NULL),
            CKR_GENERAL_ERROR);
    if (rv == CKR_OK)
        rv = ownkey_p11_rv(ownkey_secret_alloc(&shared, d->field),
                           CKR_GENERAL_ERROR);
    if (rv == CKR_OK && (!agree(own, peer, &shared) || shared.len != d->field))
        rv = CKR_FUNCTION_FAILED;
    if (rv == CKR_OK)
        rv = ownkey_p11_rv(ownkey_kdf_take(&shared, d->hash,
                                           ownkey_blob_of(&d->info), d->len,
                                           bytes),
                           CKR_GENERAL_ERROR);
    ownkey_secret_clear(&shared);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    ownkey_secret_wipe_stack();
    return rv;
}
