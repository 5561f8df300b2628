/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "kms/kms.h"
#include "pkcs11/internal.h"

/* ---- mechanisms of a slot: the union over its keys ---- */

static void
widen(CK_MECHANISM_INFO *info, CK_FLAGS usage, CK_ULONG size)
{
    if (usage == 0)
        return;
    if (info->flags == 0 || size < info->ulMinKeySize)
        info->ulMinKeySize = size;
    if (size > info->ulMaxKeySize)
        info->ulMaxKeySize = size;
    info->flags |= usage;
}

static void
widen_by_keys(const struct ownkey_p11_mechanism *m, struct ownkey_token *token,
              CK_MECHANISM_INFO *info)
{
    const struct ownkey_key_type_info *type =
        ownkey_key_type_info(ownkey_token_kek_type(token));

    widen(info, ownkey_p11_mechanism_usage(m, token, NULL),
          m->kind == OWNKEY_P11_WRAP ? type->bits / 8 : type->bits);
    for (size_t i = 0; i < ownkey_token_key_count(token); i++) {
        struct ownkey_key *key = ownkey_token_key_at(token, i);

        if (ownkey_key_error(key)->status != OWNKEY_OK)
            continue;
        type = ownkey_key_type_info(ownkey_key_type(key));
        widen(info, ownkey_p11_mechanism_usage(m, token, key),
              m->kind == OWNKEY_P11_HMAC ? type->bits / 8 : type->bits);
    }
}

/* What keys can do that are here; of key pairs, with a store. */
static void
widen_by_store(const struct ownkey_p11_mechanism *m, CK_MECHANISM_INFO *info)
{
    switch (m->kind) {
    case OWNKEY_P11_RSA_PKCS:
    case OWNKEY_P11_RSA_PSS:
    case OWNKEY_P11_RSA_OAEP:
        widen(info, m->flags & ~(CK_FLAGS)CKF_UNWRAP, 2048);
        widen(info, m->flags & ~(CK_FLAGS)CKF_UNWRAP, 4096);
        break;
    case OWNKEY_P11_ECDSA:
    case OWNKEY_P11_ECDH:
        widen(info, m->flags, 256);
        widen(info, m->flags, 521);
        break;
    case OWNKEY_P11_EDDSA:
        widen(info, m->flags, 256);
        break;
    case OWNKEY_P11_HMAC:
        widen(info, m->flags, 1);
        widen(info, m->flags, OWNKEY_DATA_KEY_MAX);
        break;
    case OWNKEY_P11_CMAC:
        widen(info, m->flags, 16);
        widen(info, m->flags, 32);
        break;
    case OWNKEY_P11_PAIR_GEN:
        widen(info, m->flags,
              m->type == CKM_RSA_PKCS_KEY_PAIR_GEN ? 2048 : 256);
        widen(info, m->flags,
              m->type == CKM_RSA_PKCS_KEY_PAIR_GEN ? 4096
              : m->type == CKM_EC_KEY_PAIR_GEN     ? 521
                                                   : 256);
        break;
    default:
        break;
    }
}

/* flags 0: not in this slot. */
static CK_MECHANISM_INFO
mechanism_info(const struct ownkey_p11_mechanism *m, struct ownkey_token *token)
{
    CK_MECHANISM_INFO info = {0};

    switch (m->kind) {
    case OWNKEY_P11_DIGEST:
        info.flags = m->flags;
        return info;
    case OWNKEY_P11_AES:
    case OWNKEY_P11_KEY_GEN:
        info.ulMinKeySize = m->type == CKM_GENERIC_SECRET_KEY_GEN ? 8 : 16;
        info.ulMaxKeySize = m->type == CKM_GENERIC_SECRET_KEY_GEN
                                ? OWNKEY_DATA_KEY_MAX * 8UL
                                : 32;
        info.flags = m->flags | CKF_HW;
        return info;
    default:
        widen_by_keys(m, token, &info);
        if (ownkey_token_store(token) != NULL)
            widen_by_store(m, &info);
        break;
    }
    if (info.flags == 0)
        return info;
    if (m->kind == OWNKEY_P11_ECDSA || m->kind == OWNKEY_P11_ECDH ||
        m->type == CKM_EC_KEY_PAIR_GEN)
        info.flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
    info.flags |= CKF_HW;
    return info;
}

static CK_RV
fill_mechanisms(struct ownkey_p11_slot *slot)
{
    const struct ownkey_p11_mechanism *m;
    size_t count = 0;

    while (ownkey_p11_mechanism_at(count) != NULL)
        count++;
    slot->mechanisms = calloc(count, sizeof(*slot->mechanisms));
    if (slot->mechanisms == NULL)
        return CKR_HOST_MEMORY;
    for (size_t i = 0; (m = ownkey_p11_mechanism_at(i)) != NULL; i++) {
        CK_MECHANISM_INFO info = mechanism_info(m, slot->token);

        if (info.flags != 0)
            slot->mechanisms[slot->mechanism_count++] =
                (struct ownkey_p11_mechanism_row){m->type, info};
    }
    return CKR_OK;
}

static const struct ownkey_p11_mechanism_row *
find_row(const struct ownkey_p11_slot *slot, CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < slot->mechanism_count; i++) {
        if (slot->mechanisms[i].type == type)
            return &slot->mechanisms[i];
    }
    return NULL;
}

bool
ownkey_p11_slot_has(const struct ownkey_p11_slot *slot, CK_MECHANISM_TYPE type,
                    CK_FLAGS flag)
{
    const struct ownkey_p11_mechanism_row *row = find_row(slot, type);

    return row != NULL && (row->info.flags & flag) != 0;
}

/*
 * A token that is not usable is an empty slot, not a failing one: programs
 * that go through all slots (p11-kit's iterators) stop at the first failure.
 * token/ has said in the log what is wrong with it.
 */
CK_RV
ownkey_p11_slot_init(struct ownkey_p11_slot *slot, CK_SLOT_ID id,
                     struct ownkey_token *token)
{
    slot->id = id;
    slot->token = token;
    slot->usable = ownkey_token_error(token)->status == OWNKEY_OK;
    return slot->usable ? fill_mechanisms(slot) : CKR_OK;
}

void
ownkey_p11_slot_clear(struct ownkey_p11_slot *slot)
{
    free(slot->mechanisms);
    *slot = (struct ownkey_p11_slot){0};
}

struct ownkey_p11_slot *
ownkey_p11_slot_find(const struct ownkey_p11 *module, CK_SLOT_ID id)
{
    return id < module->slot_count ? &module->slots[id] : NULL;
}

/* ---- slots ---- */

static CK_RV
slot_list(const struct ownkey_p11 *module, bool present, void *list,
          void *count)
{
    CK_ULONG room = ownkey_p11_get_ulong(count);
    CK_ULONG len = 0;

    for (size_t i = 0; i < module->slot_count; i++) {
        const struct ownkey_p11_slot *slot = &module->slots[i];

        if (present && !slot->usable)
            continue;
        if (list != NULL && len < room)
            ownkey_p11_put((unsigned char *)list + len * sizeof(slot->id),
                           &slot->id, sizeof(slot->id));
        len++;
    }
    ownkey_p11_put_ulong(count, len);
    return list != NULL && len > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV
C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *list, CK_ULONG *count)
{
    struct ownkey_p11 *module;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    rv = count == NULL ? CKR_ARGUMENTS_BAD
                       : slot_list(module, token_present != CK_FALSE, list,
                                   count);
    ownkey_p11_leave(module);
    return rv;
}

static void
slot_info(const struct ownkey_p11_slot *slot, CK_SLOT_INFO *info)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "%s%s", ownkey_token_name(slot->token),
                   slot->usable ? "" : " (not usable: see ownkey check)");
    ownkey_p11_pad(info->slotDescription, sizeof(info->slotDescription), text);
    ownkey_p11_pad(info->manufacturerID, sizeof(info->manufacturerID),
                   "ownkey");
    info->flags = CKF_HW_SLOT | (slot->usable ? CKF_TOKEN_PRESENT : 0);
    info->hardwareVersion = ownkey_p11_version();
    info->firmwareVersion = ownkey_p11_version();
}

CK_RV
C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
    CK_SLOT_INFO out = {0};
    struct ownkey_p11 *module;
    const struct ownkey_p11_slot *slot;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    slot = ownkey_p11_slot_find(module, id);
    if (info == NULL) {
        rv = CKR_ARGUMENTS_BAD;
    } else if (slot == NULL) {
        rv = CKR_SLOT_ID_INVALID;
    } else {
        slot_info(slot, &out);
        ownkey_p11_put(info, &out, sizeof(out));
    }
    ownkey_p11_leave(module);
    return rv;
}

/* ---- tokens ---- */

static void
token_info(const struct ownkey_p11_slot *slot, CK_TOKEN_INFO *info)
{
    const struct ownkey_token *token = slot->token;
    char serial[2 * OWNKEY_OBJECT_ID_LEN + 1];
    const char *uri = ownkey_token_conf(token)->uri;
    const char *colon = strchr(uri, ':');
    char model[sizeof(info->model) + 1] = "";

    if (colon != NULL)
        (void)snprintf(model, sizeof(model), "%.*s", (int)(colon - uri), uri);
    ownkey_hex_encode(ownkey_token_kek_id(token), OWNKEY_OBJECT_ID_LEN, serial);
    ownkey_p11_pad(info->label, sizeof(info->label), ownkey_token_name(token));
    ownkey_p11_pad(info->manufacturerID, sizeof(info->manufacturerID),
                   "ownkey");
    ownkey_p11_pad(info->model, sizeof(info->model), model);
    ownkey_p11_pad(info->serialNumber, sizeof(info->serialNumber), serial);
    ownkey_p11_pad(info->utcTime, sizeof(info->utcTime), "");
    info->flags = CKF_RNG | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
    info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulMaxPinLen = 255;
    info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->hardwareVersion = ownkey_p11_version();
    info->firmwareVersion = ownkey_p11_version();
    ownkey_p11_lock();
    info->ulSessionCount = slot->sessions;
    info->ulRwSessionCount = slot->rw_sessions;
    ownkey_p11_unlock();
}

/* A slot whose token is there. */
static CK_RV
usable_slot(const struct ownkey_p11 *module, CK_SLOT_ID id,
            const struct ownkey_p11_slot **slot)
{
    *slot = ownkey_p11_slot_find(module, id);
    if (*slot == NULL)
        return CKR_SLOT_ID_INVALID;
    return (*slot)->usable ? CKR_OK : CKR_TOKEN_NOT_PRESENT;
}

CK_RV
C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    CK_TOKEN_INFO out = {0};
    struct ownkey_p11 *module;
    const struct ownkey_p11_slot *slot;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    rv = info == NULL ? CKR_ARGUMENTS_BAD : usable_slot(module, id, &slot);
    if (rv == CKR_OK) {
        token_info(slot, &out);
        ownkey_p11_put(info, &out, sizeof(out));
    }
    ownkey_p11_leave(module);
    return rv;
}

/* ---- mechanisms ---- */

static CK_RV
mechanism_list(const struct ownkey_p11_slot *slot, void *list, void *count)
{
    CK_ULONG room = ownkey_p11_get_ulong(count);

    ownkey_p11_put_ulong(count, slot->mechanism_count);
    if (list == NULL)
        return CKR_OK;
    if (room < slot->mechanism_count)
        return CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; i < slot->mechanism_count; i++)
        ownkey_p11_put((unsigned char *)list + i * sizeof(CK_MECHANISM_TYPE),
                       &slot->mechanisms[i].type, sizeof(CK_MECHANISM_TYPE));
    return CKR_OK;
}

CK_RV
C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    struct ownkey_p11 *module;
    const struct ownkey_p11_slot *slot;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    rv = count == NULL ? CKR_ARGUMENTS_BAD : usable_slot(module, id, &slot);
    if (rv == CKR_OK)
        rv = mechanism_list(slot, list, count);
    ownkey_p11_leave(module);
    return rv;
}

CK_RV
C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type,
                   CK_MECHANISM_INFO *info)
{
    struct ownkey_p11 *module;
    const struct ownkey_p11_slot *slot;
    const struct ownkey_p11_mechanism_row *row;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    rv = info == NULL ? CKR_ARGUMENTS_BAD : usable_slot(module, id, &slot);
    if (rv == CKR_OK) {
        row = find_row(slot, type);
        if (row == NULL)
            rv = CKR_MECHANISM_INVALID;
        else
            ownkey_p11_put(info, &row->info, sizeof(row->info));
    }
    ownkey_p11_leave(module);
    return rv;
}

/* Tokens neither come nor go while the module is loaded. */
CK_RV
C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    struct ownkey_p11 *module;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    ownkey_p11_leave(module);
    if (slot == NULL || reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT
                                         : CKR_FUNCTION_NOT_SUPPORTED;
}
