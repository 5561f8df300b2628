/* SPDX-License-Identifier: Apache-2.0 */
/* The one slot whose token the URI means, and a session with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/hsm_errors.h"
#include "kms/hsm_run.h"
#include "kms/hsm_token_internal.h"

enum { SLOTS_MAX = 1024, TRIES = 4 };

/* Slots can come between the two calls. */
static CK_RV
list_slots(CK_FUNCTION_LIST *p11, CK_SLOT_ID **slots, CK_ULONG *count)
{
    CK_RV rv = CKR_BUFFER_TOO_SMALL;

    *slots = NULL;
    for (int i = 0; rv == CKR_BUFFER_TOO_SMALL && i < TRIES; i++) {
        CK_ULONG room = 0;

        rv = p11->C_GetSlotList(CK_TRUE, NULL, &room);
        if (rv != CKR_OK)
            break;
        room = room < SLOTS_MAX ? room + 4 : SLOTS_MAX;
        free(*slots);
        *slots = calloc(room, sizeof(**slots));
        if (*slots == NULL)
            return CKR_HOST_MEMORY;
        *count = room;
        rv = p11->C_GetSlotList(CK_TRUE, *slots, count);
        if (rv == CKR_OK && *count > room)
            rv = CKR_GENERAL_ERROR; /* more than it was given room for */
    }
    return rv;
}

/* A field of a PKCS#11 structure: padded with blanks, no NUL at its end. */
static void
unpad(const CK_UTF8CHAR *field, size_t len, char *out, size_t size)
{
    size_t n = 0;

    while (len > 0 && field[len - 1] == ' ')
        len--;
    for (size_t i = 0; i < len && n + 1 < size; i++)
        out[n++] = field[i] > ' ' && field[i] <= '~' ? (char)field[i] : '?';
    out[n] = '\0';
}

struct search {
    struct ownkey_hsm_token *token;
    CK_FUNCTION_LIST *p11;
    unsigned hits;
    unsigned present;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    char labels[160]; /* of what is there instead */
    CK_RV rv;         /* of a slot that cannot be asked */
};

static void
note_label(struct search *f, const CK_TOKEN_INFO *info)
{
    size_t used = strlen(f->labels);
    char label[33];

    unpad(info->label, sizeof(info->label), label, sizeof(label));
    if (used + sizeof(label) + 4 < sizeof(f->labels))
        (void)snprintf(f->labels + used, sizeof(f->labels) - used, "%s\"%s\"",
                       used > 0 ? ", " : "", label);
}

/* A proxy (p11-kit's) has ours among its tokens, too. */
static bool
is_own_token(const CK_TOKEN_INFO *info)
{
    return memcmp(info->manufacturerID, "ownkey ", 7) == 0;
}

static void
look_at(struct search *f, CK_SLOT_ID slot)
{
    const P11KitUri *match = f->token->match;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(f->token->match);
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO info;
    CK_RV rv;

    memset(&slot_info, 0, sizeof(slot_info));
    memset(&info, 0, sizeof(info));
    rv = f->p11->C_GetSlotInfo(slot, &slot_info);
    if (rv == CKR_OK)
        rv = f->p11->C_GetTokenInfo(slot, &info);
    if (rv != CKR_OK) {
        if (rv != CKR_TOKEN_NOT_PRESENT && rv != CKR_TOKEN_NOT_RECOGNIZED)
            f->rv = rv;
        return;
    }
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0 || is_own_token(&info))
        return;
    f->present++;
    note_label(f, &info);
    if ((wanted != (CK_SLOT_ID)-1 && wanted != slot) ||
        p11_kit_uri_match_slot_info(match, &slot_info) == 0 ||
        p11_kit_uri_match_token_info(match, &info) == 0)
        return;
    if (f->hits++ == 0) {
        f->slot = slot;
        f->info = info;
    }
}

static enum ownkey_status
judge(const struct search *f, CK_RV *rv, struct ownkey_error *err)
{
    if (f->hits == 1)
        return OWNKEY_OK;
    if (f->hits > 1)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the key's URI fits %u tokens; add token=LABEL or "
                           "serial=NUMBER to it",
                           f->hits);
    *rv = f->rv != CKR_OK ? f->rv : CKR_TOKEN_NOT_PRESENT;
    (void)ownkey_hsm_fail(err, *rv, "C_GetTokenInfo");
    if (f->present == 0)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "the HSM shows no token; see whether it is up, its "
                           "client software set up, and this user allowed to "
                           "use it");
    return ownkey_fail(err, OWNKEY_UNREACHABLE,
                       "no token that fits the key's URI; present: %s",
                       f->labels);
}

static enum ownkey_status
check_library(struct ownkey_hsm_token *t, struct ownkey_hsm_session *s,
              CK_RV *rv, struct ownkey_error *err)
{
    CK_INFO info;

    memset(&info, 0, sizeof(info));
    *rv = s->p11->C_GetInfo(&info);
    if (*rv != CKR_OK)
        return ownkey_hsm_fail(err, *rv, "C_GetInfo");
    if (p11_kit_uri_match_module_info(t->match, &info) != 0)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "the PKCS#11 module is not the one that the library-* "
                       "attributes of the key's URI describe");
}

enum ownkey_status
ownkey_hsm_slot_find(struct ownkey_hsm_session *s, CK_RV *rv,
                     struct ownkey_error *err)
{
    struct ownkey_hsm_token *t = s->token;
    struct search f = { .token = t, .p11 = s->p11 };
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    enum ownkey_status st = check_library(t, s, rv, err);

    if (st != OWNKEY_OK)
        return st;
    *rv = list_slots(s->p11, &slots, &count);
    for (CK_ULONG i = 0; *rv == CKR_OK && i < count; i++)
        look_at(&f, slots[i]);
    free(slots);
    if (*rv != CKR_OK)
        return ownkey_hsm_fail(err, *rv, "C_GetSlotList");
    st = judge(&f, rv, err);
    if (st != OWNKEY_OK)
        return st;
    s->slot = f.slot;
    s->flags = f.info.flags;
    unpad(f.info.serialNumber, sizeof(f.info.serialNumber), s->serial,
          sizeof(s->serial));
    ownkey_hsm_lock();
    if (s->epoch == t->epoch) {
        t->has_slot = true;
        t->slot = s->slot;
        t->flags = s->flags;
        memcpy(t->serial, s->serial, sizeof(t->serial));
    }
    ownkey_hsm_unlock();
    return OWNKEY_OK;
}

/* Read-only serves: all we make are session objects. Some HSMs have none. */
enum ownkey_status
ownkey_hsm_session_open(struct ownkey_hsm_session *s, CK_RV *rv,
                        struct ownkey_error *err)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION;

    *rv = s->p11->C_OpenSession(s->slot, flags, NULL, NULL, &s->handle);
    if (*rv == CKR_FUNCTION_NOT_SUPPORTED || *rv == CKR_ARGUMENTS_BAD ||
        *rv == CKR_SESSION_READ_ONLY || *rv == CKR_FUNCTION_FAILED ||
        *rv == CKR_SESSION_READ_WRITE_SO_EXISTS)
        *rv = s->p11->C_OpenSession(s->slot, flags | CKF_RW_SESSION, NULL,
                                    NULL, &s->handle);
    if (*rv == CKR_OK && s->handle != 0)
        return OWNKEY_OK;
    s->handle = 0;
    if (*rv == CKR_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "C_OpenSession gave no session");
    return ownkey_hsm_fail(err, *rv, "C_OpenSession");
}
