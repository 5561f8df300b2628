/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "pkcs11/internal.h"
#include "token/gcm_count.h"

static struct ownkey_p11_material *
material_new(void)
{
    struct ownkey_p11_material *m = calloc(1, sizeof(*m));

    if (m != NULL)
        atomic_init(&m->refs, 1);
    return m;
}

struct ownkey_p11_material *
ownkey_p11_material_value(struct ownkey_secret *value_move)
{
    struct ownkey_p11_material *m = material_new();

    if (m != NULL)
        ownkey_secret_move(&m->value, value_move);
    return m;
}

struct ownkey_p11_material *
ownkey_p11_material_unwrapped(struct ownkey_data_key *dk_move)
{
    struct ownkey_p11_material *m = material_new();

    if (m != NULL)
        m->dk = dk_move;
    return m;
}

struct ownkey_p11_material *
ownkey_p11_material_sealed(struct ownkey_sealed *sealed_move)
{
    struct ownkey_p11_material *m = material_new();

    if (m != NULL)
        m->sealed = sealed_move;
    return m;
}

struct ownkey_p11_material *
ownkey_p11_material_derived(struct ownkey_p11_derived *derived_move)
{
    struct ownkey_p11_material *m = material_new();

    if (m != NULL)
        m->derived = derived_move;
    return m;
}

void
ownkey_p11_material_free(struct ownkey_p11_material *m)
{
    if (m == NULL || atomic_fetch_sub(&m->refs, 1) > 1)
        return;
    ownkey_secret_clear(&m->value);
    ownkey_data_key_free(m->dk);
    ownkey_sealed_free(m->sealed);
    ownkey_p11_derived_free(m->derived);
    free(m);
}

struct ownkey_p11_material *
ownkey_p11_material_of(struct ownkey_p11_object *object)
{
    struct ownkey_p11_material *m;

    ownkey_p11_lock();
    m = object->material;
    atomic_fetch_add(&m->refs, 1);
    ownkey_p11_unlock();
    return m;
}

bool
ownkey_p11_material_is_leased(const struct ownkey_p11_material *m)
{
    if (m->derived != NULL)
        m = ownkey_p11_derived_base(m->derived);
    return m->dk != NULL || m->sealed != NULL;
}

CK_RV
ownkey_p11_secret_use(struct ownkey_p11_session *session,
                      struct ownkey_p11_material *m,
                      struct ownkey_secret *bytes, struct ownkey_lease *lease)
{
    struct ownkey_error err = {0};
    enum ownkey_status st;

    if (m->derived != NULL)
        return ownkey_p11_derived_use(session, m->derived, bytes, lease);
    if (m->dk != NULL)
        st = ownkey_data_key_use(m->dk, bytes, lease, &err);
    else if (m->sealed != NULL)
        st = ownkey_sealed_use(m->sealed, bytes, lease, &err);
    else
        st = ownkey_secret_copy(bytes, m->value.data, m->value.len);
    if (st == OWNKEY_OK || !ownkey_p11_material_is_leased(m))
        return ownkey_p11_rv(st, CKR_GENERAL_ERROR);
    return ownkey_p11_failed(session, m->dk != NULL ? "data key" : "store",
                             &err,
                             m->dk != NULL ? CKR_WRAPPED_KEY_INVALID
                                           : CKR_DEVICE_ERROR);
}

CK_RV
ownkey_p11_material_spend(struct ownkey_p11_session *session,
                          struct ownkey_p11_material *m,
                          struct ownkey_lease *lease, size_t len)
{
    struct ownkey_error err = {0};
    enum ownkey_status st;

    if (m->derived != NULL)
        m = ownkey_p11_derived_base(m->derived);
    st = m->dk != NULL ? ownkey_data_key_spend(m->dk, lease, len, &err)
                       : ownkey_sealed_spend(m->sealed, lease, len, &err);
    return st == OWNKEY_OK ? CKR_OK
                           : ownkey_p11_failed(session, "data key", &err,
                                               CKR_DEVICE_ERROR);
}

CK_RV
ownkey_p11_material_count_gcm(struct ownkey_p11_session *session,
                              struct ownkey_p11_material *m)
{
    struct ownkey_error err = {0};
    enum ownkey_status st = OWNKEY_OK;

    if (m->dk != NULL)
        st = ownkey_data_key_count_gcm(m->dk, &err);
    else if (m->sealed != NULL)
        st = ownkey_sealed_count_gcm(m->sealed, &err);
    else if (atomic_fetch_add(&m->gcm, 1) >= OWNKEY_GCM_LIMIT)
        st = ownkey_fail(&err, OWNKEY_UNSUPPORTED,
                         "a session key has encrypted 2^32 times with "
                         "AES-GCM; use a new one");
    if (st == OWNKEY_OK)
        return CKR_OK;
    (void)ownkey_p11_failed(session, "encrypt", &err, CKR_GENERAL_ERROR);
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
}
