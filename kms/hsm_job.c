/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_job.h"

#include <stdlib.h>

#include "kms/hsm_run.h"

/* The state from before an outage, and once more for what came meanwhile. */
enum { ATTEMPTS = 3 };

/* ---- one attempt ----------------------------------------------------- */

/* The object that was found before, or a new search. */
static enum ownkey_status
find_object(struct ownkey_hsm_job *job)
{
    struct ownkey_hsm_key *key = job->key;
    enum ownkey_status st;

    ownkey_hsm_lock();
    job->object = key->found;
    job->sealing.kwp_proven = key->kwp_proven;
    ownkey_hsm_unlock();
    if (job->object.epoch == job->call.session.epoch)
        return OWNKEY_OK;
    job->sealing.kwp_proven = false;
    st = ownkey_hsm_object_find(&job->call, key->type, &job->object);
    if (st != OWNKEY_OK)
        return st;
    ownkey_hsm_lock();
    key->found = job->object;
    key->kwp_proven = false;
    ownkey_hsm_unlock();
    return OWNKEY_OK;
}

/*
 * What was read of the key is not true any more: it is gone, or was replaced,
 * or its owner changed what it may be used for.
 */
static void
forget_object(struct ownkey_hsm_job *job)
{
    ownkey_hsm_lock();
    if (job->key->found.epoch == job->object.epoch)
        job->key->found.epoch = 0;
    ownkey_hsm_unlock();
}

static void
note_kwp(struct ownkey_hsm_job *job)
{
    ownkey_hsm_lock();
    if (job->key->found.epoch == job->object.epoch)
        job->key->kwp_proven = job->sealing.kwp_proven;
    ownkey_hsm_unlock();
}

static enum ownkey_status
try_once(struct ownkey_hsm_job *job)
{
    struct ownkey_hsm_call *call = &job->call;
    struct ownkey_hsm_session session = { 0 };
    enum ownkey_status st = ownkey_hsm_session_acquire(
        job->key->token, call->config, call->deadline_ms, &session, &call->rv,
        call->err);

    if (st != OWNKEY_OK)
        return st;
    ownkey_hsm_lock(); /* mark_stuck looks at it from another thread */
    call->session = session;
    ownkey_hsm_unlock();
    ownkey_hsm_enter();
    st = find_object(job);
    if (st == OWNKEY_OK) {
        st = job->attempt(job);
        if (st != OWNKEY_OK)
            forget_object(job);
        else
            note_kwp(job);
    }
    ownkey_hsm_leave();
    ownkey_hsm_session_release(&call->session,
                               st == OWNKEY_OK ? CKR_OK : call->rv);
    return st;
}

/* ---- all of them ----------------------------------------------------- */

static void
run(void *arg)
{
    struct ownkey_hsm_job *job = arg;
    struct ownkey_hsm_call *call = &job->call;
    enum ownkey_hsm_remedy remedy = OWNKEY_HSM_REMEDY_OTHER;

    for (int i = 0; i < ATTEMPTS && remedy >= OWNKEY_HSM_REMEDY_OTHER; i++) {
        if (i > 0 && ownkey_hsm_now_ms() >= call->deadline_ms)
            break;
        job->error = (struct ownkey_error){ 0 };
        call->rv = CKR_OK;
        job->status = try_once(job);
        if (job->status == OWNKEY_OK || call->rv == CKR_OK)
            break;
        remedy = ownkey_hsm_meaning_of(call->rv)->remedy;
    }
}

static void
abandon(void *arg)
{
    struct ownkey_hsm_job *job = arg;

    ownkey_hsm_session_mark_stuck(&job->call.session);
}

static void
release(void *arg)
{
    ownkey_hsm_job_free(arg);
}

bool
ownkey_hsm_job_run(struct ownkey_hsm_job *job)
{
    static const struct ownkey_hsm_work work = { run, abandon, release };
    uint64_t timeout_ms = job->key->config.timeout_ms;

    job->call.deadline_ms = ownkey_hsm_now_ms() + timeout_ms;
    /* What gives up by itself at the deadline is let say why. */
    return ownkey_hsm_run(&work, job, timeout_ms + 200);
}

struct ownkey_hsm_job *
ownkey_hsm_job_new(struct ownkey_hsm_key *key,
                   enum ownkey_status (*attempt)(struct ownkey_hsm_job *))
{
    struct ownkey_hsm_job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        return NULL;
    atomic_fetch_add(&key->refs, 1);
    job->key = key;
    job->attempt = attempt;
    job->call.config = &key->config;
    job->call.err = &job->error;
    return job;
}

void
ownkey_hsm_job_free(struct ownkey_hsm_job *job)
{
    if (job == NULL)
        return;
    ownkey_hsm_key_unref(job->key);
    ownkey_secret_clear(&job->plain);
    ownkey_secret_clear(&job->secret_out);
    ownkey_bytes_clear(&job->bytes[0]);
    ownkey_bytes_clear(&job->bytes[1]);
    ownkey_bytes_clear(&job->bytes_out);
    free(job->id);
    free(job);
}

void
ownkey_hsm_key_unref(struct ownkey_hsm_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->refs, 1) != 1)
        return;
    ownkey_hsm_config_clear(&key->config);
    ownkey_bytes_clear(&key->public_key);
    free(key);
}
