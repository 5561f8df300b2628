/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_token_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "kms/hsm_errors.h"
#include "kms/hsm_run.h"

enum { CEILING_MS = 30000 };

static struct ownkey_hsm_token *tokens; /* under the lock of hsm_run.h */

/* ---- the list -------------------------------------------------------- */

static void
forget_sessions(struct ownkey_hsm_token *t)
{
    t->idle_count = 0;
    t->open = 0;
    t->stuck = 0;
    t->ceiling = 0;
    t->has_slot = false;
    t->login = OWNKEY_HSM_LOGGED_OUT;
    t->epoch++;
}

static void
forget_all(void)
{
    ownkey_hsm_modules_forget();
    for (struct ownkey_hsm_token *t = tokens; t != NULL; t = t->next)
        forget_sessions(t);
}

static struct ownkey_hsm_token *
token_new(struct ownkey_hsm_module *module,
          const struct ownkey_hsm_config *config)
{
    struct ownkey_hsm_token *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->module = module;
    t->epoch = 1;
    t->generation = ownkey_fork_generation();
    t->place = strdup(config->uri.place);
    t->match = p11_kit_uri_new();
    if (t->place != NULL && t->match != NULL &&
        p11_kit_uri_parse(t->place, P11_KIT_URI_FOR_ANY, t->match) ==
            P11_KIT_URI_OK)
        return t;
    p11_kit_uri_free(t->match);
    free(t->place);
    free(t);
    return NULL;
}

struct ownkey_hsm_token *
ownkey_hsm_token_get(const struct ownkey_hsm_config *config)
{
    struct ownkey_hsm_module *module = ownkey_hsm_module_get(config);
    struct ownkey_hsm_token *t;

    if (module == NULL)
        return NULL;
    ownkey_hsm_on_fork(forget_all);
    ownkey_hsm_lock();
    for (t = tokens; t != NULL; t = t->next)
        if (t->module == module && strcmp(t->place, config->uri.place) == 0)
            break;
    if (t == NULL && (t = token_new(module, config)) != NULL) {
        t->next = tokens;
        tokens = t;
    }
    ownkey_hsm_unlock();
    return t;
}

/* ---- the pool -------------------------------------------------------- */

/* Handles of another initialisation, or of our parent, are no handles. */
static void
drop_stale_locked(struct ownkey_hsm_token *t, const struct ownkey_hsm_use *use)
{
    uint64_t generation = ownkey_fork_generation();

    if (t->module_epoch == use->epoch && t->generation == generation)
        return;
    forget_sessions(t);
    t->module_epoch = use->epoch;
    t->generation = generation;
}

static unsigned
ceiling_of(const struct ownkey_hsm_token *t,
           const struct ownkey_hsm_config *config)
{
    bool holds = t->ceiling > 0 && ownkey_hsm_now_ms() < t->ceiling_until_ms;

    return holds && t->ceiling < config->sessions ? t->ceiling
                                                  : config->sessions;
}

static void
hand_out(struct ownkey_hsm_token *t, const struct ownkey_hsm_use *use,
         struct ownkey_hsm_session *s)
{
    *s = (struct ownkey_hsm_session){ .token = t,
                                      .p11 = use->p11,
                                      .slot = t->slot,
                                      .flags = t->flags,
                                      .epoch = t->epoch,
                                      .located = t->has_slot };
    memcpy(s->serial, t->serial, sizeof(s->serial));
}

enum found { FOUND_IDLE, FOUND_ROOM, FOUND_NONE };

/* Waits for an idle session, or for room for one more. */
static enum found
find_locked(struct ownkey_hsm_token *t, const struct ownkey_hsm_config *config,
            const struct ownkey_hsm_use *use, uint64_t deadline_ms,
            struct ownkey_hsm_session *s)
{
    for (;;) {
        drop_stale_locked(t, use);
        if (t->idle_count > 0) {
            hand_out(t, use, s);
            s->handle = t->idle[--t->idle_count];
            s->logged_in = t->login == OWNKEY_HSM_LOGGED_IN;
            return FOUND_IDLE;
        }
        if (t->open < ceiling_of(t, config)) {
            t->open++;
            hand_out(t, use, s);
            return FOUND_ROOM;
        }
        if (t->stuck >= t->open || !ownkey_hsm_wait(deadline_ms))
            return FOUND_NONE;
    }
}

static enum ownkey_status
fail_no_session(const struct ownkey_hsm_token *t, struct ownkey_error *err)
{
    if (t->stuck >= t->open && t->open > 0)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "all %u sessions with the HSM hang in calls that "
                           "it does not answer; see whether it is up",
                           t->open);
    return ownkey_fail(err, OWNKEY_THROTTLED,
                       "all %u sessions with the HSM are in use; raise "
                       "pkcs11.sessions if the token allows more",
                       t->open);
}

/* The token has no session left for us: then we live with those we have. */
static bool
live_with_fewer(struct ownkey_hsm_token *t, CK_RV rv)
{
    bool fewer;

    ownkey_hsm_lock();
    fewer = rv == CKR_SESSION_COUNT && t->open > 0;
    if (fewer) {
        t->ceiling = t->open;
        t->ceiling_until_ms = ownkey_hsm_now_ms() + CEILING_MS;
    }
    ownkey_hsm_unlock();
    return fewer;
}

static enum ownkey_status
make(struct ownkey_hsm_session *s, CK_RV *rv, struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    ownkey_hsm_enter();
    if (!s->located)
        st = ownkey_hsm_slot_find(s, rv, err);
    if (st == OWNKEY_OK)
        st = ownkey_hsm_session_open(s, rv, err);
    ownkey_hsm_leave();
    return st;
}

enum ownkey_status
ownkey_hsm_session_acquire(struct ownkey_hsm_token *t,
                           const struct ownkey_hsm_config *config,
                           uint64_t deadline_ms,
                           struct ownkey_hsm_session *session, CK_RV *rv,
                           struct ownkey_error *err)
{
    struct ownkey_hsm_session s = { 0 };
    struct ownkey_hsm_use use;
    enum ownkey_status st;
    enum found found;

    do {
        *rv = CKR_OK;
        st = ownkey_hsm_module_use(t->module, deadline_ms, &use, err);
        if (st != OWNKEY_OK)
            return st;
        ownkey_hsm_lock();
        found = find_locked(t, config, &use, deadline_ms, &s);
        if (found == FOUND_NONE)
            st = fail_no_session(t, err);
        ownkey_hsm_unlock();
        if (found == FOUND_NONE)
            return st;
        if (found == FOUND_ROOM)
            st = make(&s, rv, err);
        if (st == OWNKEY_OK && !s.logged_in)
            st = ownkey_hsm_session_login(&s, config, deadline_ms, rv, err);
        if (st == OWNKEY_OK) {
            *session = s;
            return OWNKEY_OK;
        }
        ownkey_hsm_session_release(&s, *rv);
    } while (live_with_fewer(t, *rv));
    return st;
}

/* ---- giving back ----------------------------------------------------- */

/* What goes away, and is closed without the lock. */
struct closing {
    CK_FUNCTION_LIST *p11;
    unsigned count;
    CK_SESSION_HANDLE handles[OWNKEY_HSM_SESSIONS_MAX + 1];
};

static void
close_all(const struct closing *c)
{
    if (c->count == 0)
        return;
    ownkey_hsm_enter();
    for (unsigned i = 0; i < c->count; i++)
        (void)c->p11->C_CloseSession(c->handles[i]);
    ownkey_hsm_leave();
}

/*
 * What was said of this session, or of all. Only what the module still takes
 * for a session is closed: the number of one that it has forgotten may by now
 * be that of a session of the host.
 */
static void
apply_locked(struct ownkey_hsm_token *t, CK_RV rv, struct closing *closing)
{
    enum ownkey_hsm_remedy remedy = ownkey_hsm_meaning_of(rv)->remedy;

    if (rv == CKR_DEVICE_ERROR)
        while (t->idle_count > 0)
            closing->handles[closing->count++] = t->idle[--t->idle_count];
    if (remedy == OWNKEY_HSM_REMEDY_LOGIN &&
        t->login == OWNKEY_HSM_LOGGED_IN)
        t->login = OWNKEY_HSM_LOGGED_OUT;
    if (remedy == OWNKEY_HSM_REMEDY_MODULE &&
        t->module->epoch == t->module_epoch)
        t->module->ready = false;
    if (remedy >= OWNKEY_HSM_REMEDY_SESSION)
        forget_sessions(t);
}

static bool
wants_closing(const struct ownkey_hsm_session *s, CK_RV rv)
{
    enum ownkey_hsm_remedy remedy;

    if (s->spent || rv == CKR_DEVICE_ERROR || rv == CKR_OK)
        return s->spent || rv == CKR_DEVICE_ERROR;
    remedy = ownkey_hsm_meaning_of(rv)->remedy;
    return remedy == OWNKEY_HSM_REMEDY_CLOSE ||
           remedy == OWNKEY_HSM_REMEDY_OTHER;
}

void
ownkey_hsm_session_release(struct ownkey_hsm_session *session, CK_RV rv)
{
    struct ownkey_hsm_session s = *session;
    struct ownkey_hsm_token *t = s.token;
    struct closing closing = { .p11 = s.p11 };
    bool away = s.handle == 0;

    if (t == NULL)
        return;
    if (!away && wants_closing(&s, rv)) {
        closing.handles[closing.count++] = s.handle;
        away = true;
    }
    ownkey_hsm_lock();
    if (rv != CKR_OK && s.epoch == t->epoch)
        apply_locked(t, rv, &closing);
    if (s.epoch == t->epoch) {
        if (session->stuck)
            t->stuck--;
        if (away)
            t->open--;
        else
            t->idle[t->idle_count++] = s.handle;
        /* PKCS#11: who closes the last session is logged out. */
        if (t->open == 0 && t->login == OWNKEY_HSM_LOGGED_IN)
            t->login = OWNKEY_HSM_LOGGED_OUT;
    }
    *session = (struct ownkey_hsm_session){ 0 };
    ownkey_hsm_wake();
    ownkey_hsm_unlock();
    close_all(&closing);
}

void
ownkey_hsm_session_mark_stuck(struct ownkey_hsm_session *session)
{
    struct ownkey_hsm_token *t = session->token;

    if (t == NULL || session->stuck || session->epoch != t->epoch)
        return;
    session->stuck = true;
    t->stuck++;
    ownkey_hsm_wake();
}
