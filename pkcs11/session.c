/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/libctx.h"
#include "base/log.h"
#include "pkcs11/module.h"

/* Never used twice in a process, so that a stale handle is noticed. */
static atomic_ulong last_handle;

static void
session_free(struct ownkey_p11_session *s)
{
    if (s == NULL)
        return;
    free(s->found.items);
    EVP_MD_CTX_free(s->digest);
    ownkey_p11_cipher_free(s->encrypt);
    ownkey_p11_cipher_free(s->decrypt);
    ownkey_p11_signature_free(s->sign);
    ownkey_p11_signature_free(s->verify);
    free(s);
}

/* Until nobody works with it. NULL: there is none, or it is being closed. */
static struct ownkey_p11_session *
wait_idle_locked(struct ownkey_p11 *module, CK_SESSION_HANDLE handle)
{
    struct ownkey_p11_session *s;

    for (;;) {
        s = ownkey_p11_table_get(&module->sessions, handle);
        if (s == NULL || !s->busy)
            return s;
        ownkey_p11_wait_locked();
    }
}

CK_RV
ownkey_p11_begin(CK_SESSION_HANDLE handle, struct ownkey_p11_session **session)
{
    struct ownkey_p11 *module;
    struct ownkey_p11_session *s = NULL;
    bool last = false;
    CK_RV rv;

    if (ownkey_libctx_inside())
        return CKR_FUNCTION_FAILED;
    ownkey_p11_lock();
    rv = ownkey_p11_enter_locked(&module);
    if (rv == CKR_OK) {
        s = wait_idle_locked(module, handle);
        if (s != NULL) {
            s->busy = true;
        } else {
            rv = ownkey_p11_is_current_locked(module)
                     ? CKR_SESSION_HANDLE_INVALID
                     : CKR_CRYPTOKI_NOT_INITIALIZED;
            last = ownkey_p11_unref_locked(module);
        }
    }
    ownkey_p11_unlock();
    if (last)
        ownkey_p11_destroy(module);
    if (rv == CKR_OK)
        (void)ERR_set_mark(); /* the error queue belongs to the host */
    *session = s;
    return rv;
}

CK_RV
ownkey_p11_end(struct ownkey_p11_session *s, CK_RV rv)
{
    struct ownkey_p11 *module = s->module;
    bool closed;
    bool last;

    ownkey_p11_lock();
    s->busy = false;
    closed = s->closed;
    ownkey_p11_wake_locked();
    last = ownkey_p11_unref_locked(module);
    ownkey_p11_unlock();
    if (closed)
        session_free(s);
    if (last)
        ownkey_p11_destroy(module);
    (void)ERR_pop_to_mark();
    return rv;
}

void
ownkey_p11_log_refusal(struct ownkey_p11_slot *slot, const char *fmt, ...)
{
    uint64_t now_ms = ownkey_clock_boot_ms(&ownkey_clock_system);
    const char *token = ownkey_token_name(slot->token);
    unsigned left_out;
    char line[900];
    bool log = ownkey_log_budget_take(&slot->refusals, now_ms, &left_out);
    va_list ap;

    if (left_out > 0)
        ownkey_log(OWNKEY_LOG_WARNING,
                   "pkcs11: %s: %u more lines about refused calls were left out",
                   token, left_out);
    if (!log)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    ownkey_log(OWNKEY_LOG_WARNING, "pkcs11: %s: %s", token, line);
}

CK_RV
ownkey_p11_failed(struct ownkey_p11_session *s, const char *what,
                  const struct ownkey_error *err, CK_RV damaged)
{
    char line[700];

    s->device_error = err->http_status != 0 ? (CK_ULONG)err->http_status
                                            : (CK_ULONG)err->status;
    ownkey_p11_log_refusal(s->slot, "%s: %s", what,
                           ownkey_error_line(err, line, sizeof(line)));
    return ownkey_p11_rv(err->status, damaged);
}

/* ---- opening ---- */

static CK_RV
open_session(struct ownkey_p11 *module, struct ownkey_p11_slot *slot,
             CK_FLAGS flags, CK_SESSION_HANDLE *handle)
{
    CK_SESSION_HANDLE fresh = atomic_fetch_add(&last_handle, 1) + 1;
    struct ownkey_p11_session *s = calloc(1, sizeof(*s));
    bool added;

    if (s == NULL)
        return CKR_HOST_MEMORY;
    s->module = module;
    s->slot = slot;
    s->flags = flags;
    s->handle = fresh;
    ownkey_p11_lock();
    added = ownkey_p11_table_add(&module->sessions, fresh, s);
    if (added) {
        slot->sessions++;
        if ((flags & CKF_RW_SESSION) != 0)
            slot->rw_sessions++;
    }
    ownkey_p11_unlock();
    if (!added) {
        session_free(s);
        return CKR_HOST_MEMORY;
    }
    ownkey_p11_put_ulong(handle, fresh); /* s may be closed already */
    return CKR_OK;
}

CK_RV
C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application,
              CK_NOTIFY notify, CK_SESSION_HANDLE *handle)
{
    struct ownkey_p11 *module;
    struct ownkey_p11_slot *slot;
    CK_RV rv = ownkey_p11_enter(&module);

    (void)application;
    (void)notify;
    if (rv != CKR_OK)
        return rv;
    slot = ownkey_p11_slot_find(module, id);
    if (handle == NULL || (flags & ~(CKF_RW_SESSION | CKF_SERIAL_SESSION)) != 0)
        rv = CKR_ARGUMENTS_BAD;
    else if (slot == NULL)
        rv = CKR_SLOT_ID_INVALID;
    else if ((flags & CKF_SERIAL_SESSION) == 0)
        rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    else if (!slot->usable)
        rv = CKR_TOKEN_NOT_PRESENT;
    else
        rv = open_session(module, slot, flags, handle);
    ownkey_p11_leave(module);
    return rv;
}

/* ---- closing ---- */

/* One object of the session, taken out of the table. NULL: none is left. */
static struct ownkey_p11_object *
next_object_locked(struct ownkey_p11 *module, CK_SESSION_HANDLE session)
{
    struct ownkey_p11_object *o;
    size_t pos = 0;

    while ((o = ownkey_p11_table_next(&module->objects, &pos)) != NULL) {
        if (o->session == session)
            return ownkey_p11_table_remove(&module->objects, o->handle);
    }
    return NULL;
}

static void
drop_objects(struct ownkey_p11 *module, CK_SESSION_HANDLE session)
{
    struct ownkey_p11_object *o;

    do {
        ownkey_p11_lock();
        o = next_object_locked(module, session);
        ownkey_p11_unlock();
        ownkey_p11_object_free(o);
    } while (o != NULL);
}

/* The last session of a token logs out. */
static void
forget_locked(struct ownkey_p11 *module, struct ownkey_p11_session *s)
{
    (void)ownkey_p11_table_remove(&module->sessions, s->handle);
    s->closed = true;
    s->slot->sessions--;
    if ((s->flags & CKF_RW_SESSION) != 0)
        s->slot->rw_sessions--;
    if (s->slot->sessions == 0)
        s->slot->logged_in = false;
}

static struct ownkey_p11_session *
pick_locked(struct ownkey_p11 *module, const struct ownkey_p11_slot *slot)
{
    struct ownkey_p11_session *s;
    size_t pos = 0;

    while ((s = ownkey_p11_table_next(&module->sessions, &pos)) != NULL) {
        if (slot == NULL || s->slot == slot)
            return s;
    }
    return NULL;
}

void
ownkey_p11_sessions_close(struct ownkey_p11 *module,
                          const struct ownkey_p11_slot *slot)
{
    struct ownkey_p11_session *s;
    CK_SESSION_HANDLE handle;
    bool busy;

    for (;;) {
        ownkey_p11_lock();
        s = pick_locked(module, slot);
        if (s != NULL) {
            forget_locked(module, s);
            handle = s->handle;
            busy = s->busy;
        }
        ownkey_p11_wake_locked();
        ownkey_p11_unlock();
        if (s == NULL)
            return;
        /* A busy one is freed by who works with it. */
        if (!busy)
            session_free(s);
        drop_objects(module, handle);
    }
}

CK_RV
C_CloseSession(CK_SESSION_HANDLE handle)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    ownkey_p11_lock();
    if (!s->closed)
        forget_locked(s->module, s);
    ownkey_p11_unlock();
    drop_objects(s->module, handle);
    return ownkey_p11_end(s, CKR_OK);
}

CK_RV
C_CloseAllSessions(CK_SLOT_ID id)
{
    struct ownkey_p11 *module;
    struct ownkey_p11_slot *slot;
    CK_RV rv = ownkey_p11_enter(&module);

    if (rv != CKR_OK)
        return rv;
    slot = ownkey_p11_slot_find(module, id);
    if (slot == NULL)
        rv = CKR_SLOT_ID_INVALID;
    else
        ownkey_p11_sessions_close(module, slot);
    ownkey_p11_leave(module);
    return rv;
}

/* ---- state ---- */

static CK_STATE
state_locked(const struct ownkey_p11_session *s)
{
    bool rw = (s->flags & CKF_RW_SESSION) != 0;

    if (s->slot->logged_in)
        return rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
    return rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV
C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    struct ownkey_p11_session *s;
    CK_SESSION_INFO out = {0};
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (info == NULL)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    out.slotID = s->slot->id;
    out.flags = s->flags;
    out.ulDeviceError = s->device_error;
    ownkey_p11_lock();
    out.state = state_locked(s);
    ownkey_p11_unlock();
    ownkey_p11_put(info, &out, sizeof(out));
    return ownkey_p11_end(s, CKR_OK);
}

/*
 * No PIN guards a token (the credentials of the host do), so any PIN is right;
 * but programs look at the session's state after C_Login.
 */
CK_RV
C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, CK_UTF8CHAR *pin,
        CK_ULONG pin_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (pin == NULL && pin_len != 0)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    if (user == CKU_CONTEXT_SPECIFIC)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    if (user != CKU_USER)
        return ownkey_p11_end(s, CKR_USER_TYPE_INVALID);
    ownkey_p11_lock();
    if (s->slot->logged_in)
        rv = CKR_USER_ALREADY_LOGGED_IN;
    s->slot->logged_in = true;
    ownkey_p11_unlock();
    return ownkey_p11_end(s, rv);
}

CK_RV
C_Logout(CK_SESSION_HANDLE handle)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    ownkey_p11_lock();
    if (!s->slot->logged_in)
        rv = CKR_USER_NOT_LOGGED_IN;
    s->slot->logged_in = false;
    ownkey_p11_unlock();
    return ownkey_p11_end(s, rv);
}
