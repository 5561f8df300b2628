/* SPDX-License-Identifier: Apache-2.0 */
#include "token/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/process.h"

enum { CLOSE_LOOKS = 1000 / OWNKEY_HOOK_LOOK_MS };

struct ownkey_hooks {
    struct ownkey_tokens *set;
    atomic_uint pending;       /* tokens that have something to tell */
    atomic_uint_fast64_t look_ms; /* when to look after what runs; 0: none */

    /* Of the thread that runs errands alone, inside the gate of base/fork.h. */
    size_t next;               /* the token to look at first */
    struct ownkey_process_running *process;
    const struct ownkey_token *token; /* whose it is */
    const char *argv[6];
    char reason[1024];
};

struct ownkey_hooks *
ownkey_hooks_new(struct ownkey_tokens *set)
{
    struct ownkey_hooks *h = calloc(1, sizeof(*h));

    if (h != NULL)
        h->set = set;
    return h;
}

void
ownkey_hooks_reset(struct ownkey_hooks *h)
{
    if (h == NULL)
        return;
    ownkey_process_forget(h->process);
    h->process = NULL;
    atomic_store(&h->look_ms, 0);
    atomic_store(&h->pending, 0);
    for (size_t i = 0; i < h->set->count; i++)
        h->set->tokens[i].to_tell = false;
}

bool
ownkey_hook_note_locked(struct ownkey_token *token,
                        enum ownkey_token_state before)
{
    if (token->conf->on_state == NULL || token->set->hooks == NULL)
        return false;
    if (before == OWNKEY_STATE_UNVERIFIED &&
        token->state == OWNKEY_STATE_ACTIVE) {
        token->told = token->state;
        return false;
    }
    if (!token->to_tell) {
        token->to_tell = true;
        atomic_fetch_add(&token->set->hooks->pending, 1);
    }
    return true;
}

static uint64_t
next_look(const struct ownkey_hooks *h)
{
    return ownkey_clock_boot_ms(h->set->clock) + OWNKEY_HOOK_LOOK_MS;
}

void
ownkey_hook_tell(struct ownkey_token *token)
{
    ownkey_worker_hurry(token->set->worker);
    if (ownkey_worker_inline(token->set->worker))
        ownkey_log(OWNKEY_LOG_WARNING,
                   "token %s: on_state is not run: there is no thread for it",
                   token->conf->name);
}

/* ---- telling ----------------------------------------------------------- */

/* What to tell of a token; false: it is where it was, or nothing happened. */
static bool
take_change(struct ownkey_hooks *h, struct ownkey_token *token)
{
    enum ownkey_token_state now;
    enum ownkey_token_state told;
    struct ownkey_error why;
    bool tell;

    (void)pthread_mutex_lock(&token->lock);
    tell = token->to_tell;
    if (tell)
        atomic_fetch_sub(&h->pending, 1);
    token->to_tell = false;
    now = token->state;
    told = token->told;
    token->told = tell ? now : told;
    why = token->last_error;
    (void)pthread_mutex_unlock(&token->lock);
    if (!tell || now == told)
        return false;
    if (now == OWNKEY_STATE_ACTIVE)
        (void)snprintf(h->reason, sizeof(h->reason), "the KEK answers");
    else
        (void)ownkey_error_line(&why, h->reason, sizeof(h->reason));
    h->argv[0] = token->conf->on_state;
    h->argv[1] = token->conf->name;
    h->argv[2] = ownkey_token_state_name(told);
    h->argv[3] = ownkey_token_state_name(now);
    h->argv[4] = h->reason;
    h->argv[5] = NULL;
    return true;
}

static void
start(struct ownkey_hooks *h, struct ownkey_token *token)
{
    static const char *const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        NULL,
    };
    const struct ownkey_process process = {
        .argv = h->argv,
        .environment = environment,
        .own_environment = true,
        .limit_ms = OWNKEY_HOOK_LIMIT_MS,
        .clock = &ownkey_clock_system,
    };
    struct ownkey_error err = { 0 };

    h->token = token;
    if (ownkey_process_start(&process, &h->process, &err) == OWNKEY_OK)
        atomic_store(&h->look_ms, next_look(h));
    else
        ownkey_log(OWNKEY_LOG_ERROR, "token %s: on_state: %s",
                   token->conf->name, err.text);
}

/* The next token in turn that has something to tell. */
static void
start_next(struct ownkey_hooks *h)
{
    size_t count = h->set->count;

    for (size_t i = 0; i < count && h->process == NULL; i++) {
        struct ownkey_token *token = &h->set->tokens[h->next++ % count];

        if (take_change(h, token))
            start(h, token);
    }
}

static void
look_after(struct ownkey_hooks *h)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st;
    int code;

    atomic_store(&h->look_ms, next_look(h));
    if (!ownkey_process_ended(h->process, &st, &code, &err))
        return;
    h->process = NULL;
    atomic_store(&h->look_ms, 0);
    if (st != OWNKEY_OK)
        ownkey_log(OWNKEY_LOG_ERROR, "token %s: on_state: %s",
                   h->token->conf->name, err.text);
    else if (code > 0)
        ownkey_log(OWNKEY_LOG_ERROR,
                   "token %s: on_state: %.200s ended with code %d: %s",
                   h->token->conf->name, h->token->conf->on_state, code,
                   err.text);
}

static void
pause_shortly(void)
{
    const struct timespec ts = { .tv_nsec = OWNKEY_HOOK_LOOK_MS * 1000000L };

    (void)nanosleep(&ts, NULL);
}

/* A program that is about to tell somebody gets a second to do so. */
void
ownkey_hooks_free(struct ownkey_hooks *h)
{
    if (h == NULL)
        return;
    for (unsigned i = 0; i < CLOSE_LOOKS && h->process != NULL; i++) {
        look_after(h);
        if (h->process != NULL)
            pause_shortly();
    }
    ownkey_process_stop(h->process);
    free(h);
}

uint64_t
ownkey_hooks_due(struct ownkey_hooks *h)
{
    uint64_t look_ms = atomic_load(&h->look_ms);

    if (look_ms != 0)
        return look_ms;
    return atomic_load(&h->pending) > 0 ? 0 : UINT64_MAX;
}

uint64_t
ownkey_hooks_run(struct ownkey_hooks *h)
{
    ownkey_fork_enter();
    if (h->process != NULL)
        look_after(h);
    if (h->process == NULL && atomic_load(&h->pending) > 0)
        start_next(h);
    ownkey_fork_leave();
    return ownkey_hooks_due(h);
}
