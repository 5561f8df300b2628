/* SPDX-License-Identifier: Apache-2.0 */
/* C_FindObjects in a token's store: by its indexes, as far as they go. */
#include <string.h>

#include "base/encode.h"
#include "pkcs11/internal.h"

enum { PAGE = 512 }; /* found by one question to the store */

/* What of a template the store's indexes answer. */
struct search {
    struct ownkey_store_query query;
    uint8_t uid[OWNKEY_STORE_UID_LEN];
    bool more;    /* the rest has to be looked at one by one */
    bool nothing; /* no stored object can match */
};

static void
take_uid(struct search *f, struct ownkey_blob value)
{
    char text[2 * OWNKEY_STORE_UID_LEN + 1] = "";
    struct ownkey_bytes uid = {0};

    f->nothing = true;
    if (value.len != 2 * OWNKEY_STORE_UID_LEN)
        return;
    memcpy(text, value.data, value.len);
    if (ownkey_hex_decode(text, &uid) == OWNKEY_OK &&
        uid.len == sizeof(f->uid)) {
        memcpy(f->uid, uid.data, uid.len);
        f->query.uid = f->uid;
        f->nothing = false;
    }
    ownkey_bytes_clear(&uid);
}

/* Once each: what comes again is looked at one by one. */
static void
take(struct search *f, const CK_ATTRIBUTE *a)
{
    struct ownkey_blob value = {a->pValue, a->ulValueLen};
    struct ownkey_store_query *q = &f->query;
    CK_ULONG number;
    CK_BBOOL flag;

    f->more = f->more || a->ulValueLen == 0;
    if (a->type == CKA_TOKEN && ownkey_p11_attribute_bool(a, &flag))
        f->nothing = f->nothing || flag != CK_TRUE;
    else if (a->type == CKA_CLASS && !q->has_class &&
             ownkey_p11_attribute_ulong(a, &number))
        q->has_class = true, q->class = number;
    else if (a->type == CKA_KEY_TYPE && !q->has_key_type &&
             ownkey_p11_attribute_ulong(a, &number))
        q->has_key_type = true, q->key_type = number;
    else if (a->type == CKA_LABEL && q->label.len == 0)
        q->label = value;
    else if (a->type == CKA_ID && q->id.len == 0)
        q->id = value;
    else if (a->type == CKA_UNIQUE_ID && q->uid == NULL && !f->nothing)
        take_uid(f, value);
    else
        f->more = true;
}

static bool
matches(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle,
        const void *template, CK_ULONG count)
{
    struct ownkey_p11_object *o = ownkey_p11_stored_get(s, handle);
    bool match = false;

    if (o != NULL) {
        ownkey_p11_lock();
        match = ownkey_p11_attributes_match(&o->attributes, template, count);
        ownkey_p11_unlock();
    }
    ownkey_p11_object_free(o);
    return match;
}

static CK_RV
take_page(struct ownkey_p11_session *s, const struct search *f,
          const void *template, CK_ULONG count, const int64_t *ids, size_t n,
          struct ownkey_p11_handles *found)
{
    for (size_t i = 0; i < n; i++) {
        CK_OBJECT_HANDLE handle = ownkey_p11_stored_handle(s->slot, ids[i]);

        if (handle == 0 || (f->more && !matches(s, handle, template, count)))
            continue;
        if (!ownkey_p11_handles_add(found, handle))
            return CKR_HOST_MEMORY;
    }
    return CKR_OK;
}

CK_RV
ownkey_p11_stored_find(struct ownkey_p11_session *s, const void *template,
                       CK_ULONG count, struct ownkey_p11_handles *found)
{
    struct ownkey_store *store = ownkey_token_store(s->slot->token);
    struct ownkey_error err = {0};
    struct search f = {0};
    int64_t ids[PAGE];
    int64_t after = 0;
    size_t n = 0;
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        take(&f, &a);
    }
    if (store == NULL || f.nothing)
        return CKR_OK;
    do {
        if (ownkey_store_find(store, &f.query, after, ids, PAGE, &n, &err) !=
            OWNKEY_OK)
            return ownkey_p11_failed(s, "store", &err, CKR_DEVICE_ERROR);
        if (n > 0)
            after = ids[n - 1];
        rv = take_page(s, &f, template, count, ids, n, found);
    } while (rv == CKR_OK && n == PAGE);
    return rv;
}
