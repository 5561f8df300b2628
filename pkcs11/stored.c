/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in a token's store, as PKCS#11 sees them.
 *
 * A handle says in which slot and which object: it is the same in every
 * session and every process, and nothing has to be kept for it. What was read
 * is kept in the module's table; each look-up asks the store whether it is
 * still that (one indexed read), so that what another process changes or
 * destroys is seen at once.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/convert.h"
#include "pkcs11/internal.h"

enum { KEPT_MAX = 4096 }; /* objects in the table */

/* 0 | 1 | slot | number; the top bit stays free for those who take a handle
   for a signed number. */
enum {
    BITS = CHAR_BIT * sizeof(CK_OBJECT_HANDLE),
    SLOT_BITS = 14,
    ID_BITS = BITS - 2 - SLOT_BITS,
};
#define MARK ((CK_OBJECT_HANDLE)1 << (BITS - 2))
#define ID_MASK (((CK_OBJECT_HANDLE)1 << ID_BITS) - 1)

bool
ownkey_p11_is_stored(CK_OBJECT_HANDLE handle)
{
    return (handle & ~(MARK - 1)) == MARK;
}

CK_OBJECT_HANDLE
ownkey_p11_stored_handle(const struct ownkey_p11_slot *slot, int64_t id)
{
    if (slot->id >> SLOT_BITS != 0 || (uint64_t)id > ID_MASK)
        return 0;
    return MARK | slot->id << ID_BITS | (CK_OBJECT_HANDLE)id;
}

/* 0: not of this slot. */
static int64_t
id_of(const struct ownkey_p11_slot *slot, CK_OBJECT_HANDLE handle)
{
    CK_OBJECT_HANDLE id = handle & ID_MASK;

    return ownkey_p11_stored_handle(slot, (int64_t)id) == handle ? (int64_t)id : 0;
}

/* ---- reading ---- */

/* False: of a later version. */
static bool
kind_of(const struct ownkey_store_object *from,
        enum ownkey_p11_object_kind *kind)
{
    uint64_t class = 0;

    if (!ownkey_attributes_number(&from->attributes, CKA_CLASS, &class))
        return false;
    switch (class) {
    case CKO_SECRET_KEY:
        *kind = OWNKEY_P11_OBJECT_SECRET;
        return true;
    case CKO_PRIVATE_KEY:
        *kind = OWNKEY_P11_OBJECT_PRIVATE;
        return true;
    case CKO_PUBLIC_KEY:
        *kind = OWNKEY_P11_OBJECT_PUBLIC;
        return true;
    case CKO_DATA:
        *kind = OWNKEY_P11_OBJECT_DATA;
        return true;
    case CKO_CERTIFICATE:
        *kind = OWNKEY_P11_OBJECT_CERTIFICATE;
        return true;
    default:
        return false;
    }
}

/* Key pairs are recognised by their public part. */
static bool
complete(struct ownkey_p11_object *o)
{
    if (o->kind != OWNKEY_P11_OBJECT_PRIVATE &&
        o->kind != OWNKEY_P11_OBJECT_PUBLIC)
        return true;
    o->local = true;
    return ownkey_p11_local_public(o);
}

static struct ownkey_p11_object *
make_object(struct ownkey_p11_slot *slot,
            const struct ownkey_store_object *from,
            struct ownkey_sealed *sealed_move)
{
    enum ownkey_p11_object_kind kind;
    struct ownkey_p11_object *o =
        kind_of(from, &kind) ? ownkey_p11_object_new(slot, kind) : NULL;

    if (o != NULL)
        o->material = ownkey_p11_material_sealed(sealed_move);
    if (o == NULL || o->material == NULL) {
        ownkey_sealed_free(sealed_move);
        ownkey_p11_object_free(o);
        return NULL;
    }
    if (ownkey_p11_from_store(from, &o->attributes) != OWNKEY_OK ||
        !complete(o)) {
        ownkey_p11_object_free(o);
        return NULL;
    }
    o->stored = from->id;
    o->version = from->version;
    memcpy(o->uid, from->uid, sizeof(o->uid));
    o->handle = ownkey_p11_stored_handle(slot, from->id);
    return o;
}

/* NULL: it is gone, or cannot be read, which is logged. */
static struct ownkey_p11_object *
load(struct ownkey_p11_session *s, int64_t id)
{
    struct ownkey_store *store = ownkey_token_store(s->slot->token);
    struct ownkey_store_object from = {0};
    struct ownkey_sealed *sealed = NULL;
    struct ownkey_p11_object *o;
    struct ownkey_error err = {0};

    if (ownkey_store_read_sealed(store, id, &from, &sealed, &err) !=
        OWNKEY_OK) {
        if (err.status != OWNKEY_NOT_FOUND)
            (void)ownkey_p11_failed(s, "store", &err, CKR_DEVICE_ERROR);
        return NULL;
    }
    o = make_object(s->slot, &from, sealed);
    ownkey_store_object_clear(&from);
    return o;
}

/* ---- what is kept ---- */

static struct ownkey_p11_object *
any_kept_locked(const struct ownkey_p11 *module)
{
    struct ownkey_p11_object *o;
    size_t pos = 0;

    while ((o = ownkey_p11_table_next(&module->objects, &pos)) != NULL)
        if (o->stored != 0)
            return o;
    return NULL;
}

static void
drop(struct ownkey_p11 *module, CK_OBJECT_HANDLE handle)
{
    struct ownkey_p11_object *old;

    ownkey_p11_lock();
    old = ownkey_p11_table_remove(&module->objects, handle);
    if (old != NULL)
        module->kept--;
    ownkey_p11_unlock();
    ownkey_p11_object_free(old);
}

/* Many were looked at once: the table begins anew. */
static void
make_room(struct ownkey_p11 *module)
{
    for (;;) {
        struct ownkey_p11_object *o;
        CK_OBJECT_HANDLE handle = 0;

        ownkey_p11_lock();
        o = module->kept >= KEPT_MAX || module->dropping
                ? any_kept_locked(module)
                : NULL;
        module->dropping = o != NULL;
        if (o != NULL)
            handle = o->handle;
        ownkey_p11_unlock();
        if (o == NULL)
            return;
        drop(module, handle);
    }
}

/* Also when there is no memory for it: then it is read again. */
static void
keep(struct ownkey_p11 *module, struct ownkey_p11_object *o)
{
    struct ownkey_p11_object *old;

    make_room(module);
    ownkey_p11_lock();
    old = ownkey_p11_table_remove(&module->objects, o->handle);
    if (old != NULL)
        module->kept--;
    if (ownkey_p11_table_add(&module->objects, o->handle, o)) {
        module->kept++;
        atomic_fetch_add(&o->refs, 1);
    }
    ownkey_p11_unlock();
    ownkey_p11_object_free(old);
}

struct ownkey_p11_object *
ownkey_p11_stored_get(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle)
{
    struct ownkey_store *store = ownkey_token_store(s->slot->token);
    int64_t id = store != NULL ? id_of(s->slot, handle) : 0;
    struct ownkey_p11_object *o;

    if (id == 0)
        return NULL;
    ownkey_p11_lock();
    o = ownkey_p11_table_get(&s->module->objects, handle);
    if (o != NULL)
        atomic_fetch_add(&o->refs, 1);
    ownkey_p11_unlock();
    if (o != NULL && ownkey_store_is_current(store, id, o->uid, o->version))
        return o;
    ownkey_p11_object_free(o);
    o = load(s, id);
    if (o != NULL)
        keep(s->module, o);
    else
        drop(s->module, handle);
    return o;
}

CK_RV
ownkey_p11_stored_check(struct ownkey_p11_session *s,
                        struct ownkey_p11_object *o)
{
    struct ownkey_p11_material *m;
    struct ownkey_secret nothing = {0};
    struct ownkey_lease lease;
    CK_RV rv;

    if (o->stored == 0 || atomic_load(&o->authentic))
        return CKR_OK;
    m = ownkey_p11_material_of(o);
    rv = ownkey_p11_secret_use(s, m, &nothing, &lease);
    ownkey_p11_material_free(m);
    ownkey_secret_clear(&nothing);
    if (rv == CKR_OK)
        atomic_store(&o->authentic, true);
    return rv;
}

/* ---- making, changing, destroying ---- */

static CK_RV
check_writable(const struct ownkey_p11_session *s)
{
    return (s->flags & CKF_RW_SESSION) != 0 ? CKR_OK : CKR_SESSION_READ_ONLY;
}

CK_RV
ownkey_p11_stored_add(struct ownkey_p11_session *s,
                      struct ownkey_p11_object *o,
                      const struct ownkey_secret *bytes,
                      CK_OBJECT_HANDLE *handle)
{
    struct ownkey_attributes list = {0};
    struct ownkey_error err = {0};
    enum ownkey_status st;
    int64_t id = 0;
    CK_RV rv = check_writable(s);

    if (rv == CKR_OK) {
        st = ownkey_p11_to_store(&o->attributes, &list);
        if (st == OWNKEY_OK)
            st = ownkey_store_add(ownkey_token_store(s->slot->token), &list,
                                  bytes, &id, &err);
        if (st == OWNKEY_ARG)
            rv = CKR_ATTRIBUTE_VALUE_INVALID;
        else if (st == OWNKEY_NOMEM)
            rv = CKR_HOST_MEMORY;
        else if (st != OWNKEY_OK)
            rv = ownkey_p11_failed(s, "store", &err, CKR_DEVICE_ERROR);
    }
    ownkey_attributes_clear(&list);
    ownkey_p11_object_free(o);
    if (rv != CKR_OK)
        return rv;
    if (ownkey_p11_stored_handle(s->slot, id) == 0)
        return CKR_DEVICE_MEMORY;
    ownkey_p11_put_ulong(handle, ownkey_p11_stored_handle(s->slot, id));
    return CKR_OK;
}

struct change {
    struct ownkey_p11_object *as_it_was;
    CK_RV (*change_locked)(struct ownkey_p11_object *, const void *, CK_ULONG);
    const void *template;
    CK_ULONG count;
    CK_RV rv;
};

/* An ownkey_store_editor: on what is in the store, not on what was read. */
static enum ownkey_status
edit(struct ownkey_attributes *list, void *arg, struct ownkey_error *err)
{
    struct change *c = arg;
    struct ownkey_store_object now = {.attributes = *list};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(c->as_it_was->slot, c->as_it_was->kind);
    enum ownkey_status st = o == NULL
                                ? OWNKEY_NOMEM
                                : ownkey_p11_from_store(&now, &o->attributes);

    if (st == OWNKEY_OK) {
        c->rv = c->change_locked(o, c->template, c->count);
        st = c->rv == CKR_OK ? ownkey_p11_to_store(&o->attributes, list)
                             : OWNKEY_ARG;
    }
    ownkey_p11_object_free(o);
    return st == OWNKEY_OK ? st : ownkey_fail(err, st, "not changed");
}

CK_RV
ownkey_p11_stored_change(struct ownkey_p11_session *s,
                         struct ownkey_p11_object *o,
                         CK_RV (*change_locked)(struct ownkey_p11_object *,
                                                const void *template,
                                                CK_ULONG count),
                         const void *template, CK_ULONG count)
{
    struct change c = {o, change_locked, template, count, CKR_OK};
    struct ownkey_error err = {0};
    enum ownkey_status st;
    CK_RV rv = check_writable(s);

    if (rv != CKR_OK)
        return rv;
    st = ownkey_store_edit(ownkey_token_store(s->slot->token), o->stored, edit,
                           &c, &err);
    if (c.rv != CKR_OK)
        return c.rv;
    if (st == OWNKEY_NOT_FOUND)
        return CKR_OBJECT_HANDLE_INVALID;
    if (st == OWNKEY_ARG)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return st == OWNKEY_OK
               ? CKR_OK
               : ownkey_p11_failed(s, "store", &err, CKR_DEVICE_ERROR);
}

CK_RV
ownkey_p11_stored_destroy(struct ownkey_p11_session *s,
                          struct ownkey_p11_object *o)
{
    struct ownkey_error err = {0};
    enum ownkey_status st;
    CK_RV rv = check_writable(s);

    if (rv != CKR_OK)
        return rv;
    st = ownkey_store_remove(ownkey_token_store(s->slot->token), o->stored,
                             &err);
    drop(s->module, o->handle);
    if (st == OWNKEY_NOT_FOUND)
        return CKR_OBJECT_HANDLE_INVALID;
    return st == OWNKEY_OK
               ? CKR_OK
               : ownkey_p11_failed(s, "store", &err, CKR_DEVICE_ERROR);
}
