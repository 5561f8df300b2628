/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/credential.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/fork.h"
#include "base/log.h"

struct ownkey_credential {
    ownkey_credential_fetch *fetch;
    void *arg;
    const struct ownkey_clock *clock;

    /* All below: guarded by the lock. */
    uint64_t generation; /* of the process that the rest belongs to */
    struct ownkey_secret value;
    uint64_t serial;     /* of value; 0: there is none */
    uint64_t fetched_ms;
    uint64_t early_ms;   /* from here on it is fetched again */
    uint64_t expires_ms;
    uint64_t pause_ms;   /* no early fetch before this */
    bool fetching;
    uint64_t failures;   /* how often a fetch ended badly */
    struct ownkey_error failure; /* the latest */
    uint64_t failed_ms;  /* when it began; with failures > 0 */
};

/* ---- one lock for all, held for a copy at most ------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static uint64_t last_serial; /* guarded by lock */

static void
init_cond(void)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void
fork_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    init_cond();
}

static void
start(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };
    struct ownkey_secret s = { 0 };

    init_cond();
    /*
     * The arena's hooks come first, so that prepare takes this lock before
     * the arena's: the order in which they nest below.
     */
    if (ownkey_secret_alloc(&s, 1) == OWNKEY_OK)
        ownkey_secret_clear(&s);
    ownkey_fork_register(&hooks);
}

/* The lock; in a child what the parent had is forgotten. */
static void
enter(struct ownkey_credential *c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t generation = ownkey_fork_generation();

    (void)pthread_once(&once, start);
    (void)pthread_mutex_lock(&lock);
    if (c->generation == generation)
        return;
    c->generation = generation;
    c->serial = 0;
    c->fetching = false;
    c->failures = 0;
    ownkey_secret_clear(&c->value);
}

static void
leave(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* ---- new and free ------------------------------------------------------ */

enum ownkey_status
ownkey_credential_new(ownkey_credential_fetch *fetch, void *arg,
                      const struct ownkey_clock *clock,
                      struct ownkey_credential **credential,
                      struct ownkey_error *err)
{
    struct ownkey_credential *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    c->fetch = fetch;
    c->arg = arg;
    c->clock = clock;
    *credential = c;
    return OWNKEY_OK;
}

void
ownkey_credential_free(struct ownkey_credential *credential)
{
    if (credential == NULL)
        return;
    ownkey_secret_clear(&credential->value);
    free(credential);
}

/* ---- getting ----------------------------------------------------------- */

/* With a NUL behind it, as the sources that give texts rely on. */
static enum ownkey_status
copy_out(const struct ownkey_secret *from, struct ownkey_secret *to)
{
    struct ownkey_secret copy = { 0 };

    if (ownkey_secret_alloc(&copy, from->len + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    for (size_t i = 0; i < from->len; i++)
        copy.data[i] = from->data[i];
    copy.len = from->len;
    ownkey_secret_move(to, &copy);
    return OWNKEY_OK;
}

static bool
good_locked(const struct ownkey_credential *c, uint64_t now_ms)
{
    return c->serial != 0 && now_ms < c->expires_ms;
}

static uint64_t
early_of(uint64_t now_ms, uint64_t life_ms)
{
    uint64_t margin = life_ms / 5;

    if (life_ms == OWNKEY_CREDENTIAL_FOREVER)
        return UINT64_MAX;
    if (margin > OWNKEY_CREDENTIAL_EARLY_MS)
        margin = OWNKEY_CREDENTIAL_EARLY_MS;
    return now_ms + life_ms - margin;
}

static void
install_locked(struct ownkey_credential *c, struct ownkey_secret *value,
               uint64_t sent_ms, uint64_t life_ms)
{
    ownkey_secret_move(&c->value, value);
    c->serial = ++last_serial;
    c->fetched_ms = sent_ms;
    c->early_ms = early_of(sent_ms, life_ms);
    c->expires_ms = life_ms == OWNKEY_CREDENTIAL_FOREVER ? UINT64_MAX
                                                         : sent_ms + life_ms;
    c->pause_ms = 0;
}

/*
 * A source that answers nonsense, or that has no such login, is about our
 * credentials. Nothing of whoever wanted a key used is damaged, and no key is
 * gone: that status would have it refused, or end all leases.
 */
static enum ownkey_status
as_ours(enum ownkey_status st)
{
    switch (st) {
    case OWNKEY_OK:
    case OWNKEY_NOMEM:
    case OWNKEY_CONFIG:
    case OWNKEY_DENIED:
    case OWNKEY_UNREACHABLE:
    case OWNKEY_THROTTLED:
        return st;
    default:
        return OWNKEY_CREDENTIALS;
    }
}

/* By the one thread that set c->fetching; the lock is not held. */
static enum ownkey_status
fetch(struct ownkey_credential *c, uint64_t limit_ms, struct ownkey_error *err)
{
    struct ownkey_secret value = { 0 };
    struct ownkey_error why = { 0 };
    uint64_t sent_ms = ownkey_clock_boot_ms(c->clock);
    uint64_t life_ms = 0;
    enum ownkey_status st = c->fetch(c->arg, limit_ms, &value, &life_ms, &why);
    uint64_t now_ms = ownkey_clock_boot_ms(c->clock);

    st = as_ours(st);
    why.status = st;
    enter(c);
    c->fetching = false;
    if (st == OWNKEY_OK) {
        install_locked(c, &value, sent_ms, life_ms);
    } else {
        c->failures++;
        c->failure = why;
        c->failed_ms = now_ms;
        c->pause_ms = now_ms + OWNKEY_CREDENTIAL_PAUSE_MS;
    }
    (void)pthread_cond_broadcast(&changed);
    leave();
    ownkey_secret_clear(&value);
    if (st != OWNKEY_OK && err != NULL)
        *err = why;
    return st;
}

static bool
wait_locked(const struct timespec *until)
{
    unsigned was = ownkey_fork_step_out();
    int rc = pthread_cond_timedwait(&changed, &lock, until);

    leave();
    ownkey_fork_step_in(was); /* a fork takes the lock after the gate */
    (void)pthread_mutex_lock(&lock);
    return rc != ETIMEDOUT;
}

static struct timespec
time_in(uint64_t ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

enum step {
    STEP_TAKE,       /* the value is good */
    STEP_TAKE_EARLY, /* so it is, and this thread fetches the next one */
    STEP_FETCH,      /* there is none: this thread fetches */
    STEP_WAIT,       /* there is none: another thread is fetching */
    STEP_FAIL,       /* there is none: a fetch failed a moment ago */
};

static enum step
next_step_locked(struct ownkey_credential *c, uint64_t now_ms)
{
    if (good_locked(c, now_ms)) {
        if (now_ms < c->early_ms || c->fetching || now_ms < c->pause_ms)
            return STEP_TAKE;
        c->fetching = true;
        return STEP_TAKE_EARLY;
    }
    if (c->fetching)
        return STEP_WAIT;
    if (c->failures > 0 && now_ms < c->failed_ms + OWNKEY_CREDENTIAL_PAUSE_MS)
        return STEP_FAIL;
    c->fetching = true;
    return STEP_FETCH;
}

static enum ownkey_status
take_locked(const struct ownkey_credential *c, struct ownkey_secret *value,
            uint64_t *serial, struct ownkey_error *err)
{
    if (copy_out(&c->value, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    *serial = c->serial;
    return OWNKEY_OK;
}

/*
 * Waits for another thread's fetch. Its failure is the result of all who
 * waited for it: OWNKEY_OK means look again.
 */
static enum ownkey_status
wait_for_other_locked(struct ownkey_credential *c, const struct timespec *until,
                      struct ownkey_error *err)
{
    uint64_t failures = c->failures;

    while (c->fetching && c->failures == failures)
        if (!wait_locked(until))
            return ownkey_fail(err, OWNKEY_UNREACHABLE,
                               "no credentials in time: another thread is "
                               "still waiting for their source");
    if (c->failures == failures)
        return OWNKEY_OK;
    if (err != NULL)
        *err = c->failure;
    return c->failure.status;
}

enum ownkey_status
ownkey_credential_get(struct ownkey_credential *c, uint64_t limit_ms,
                      struct ownkey_secret *value, uint64_t *serial,
                      struct ownkey_error *err)
{
    struct timespec until = time_in(limit_ms);
    enum ownkey_status st = OWNKEY_OK;
    enum step step;

    enter(c);
    do {
        step = next_step_locked(c, ownkey_clock_boot_ms(c->clock));
        if (step == STEP_WAIT)
            st = wait_for_other_locked(c, &until, err);
    } while (step == STEP_WAIT && st == OWNKEY_OK);
    if (step == STEP_FAIL) {
        st = c->failure.status;
        if (err != NULL)
            *err = c->failure;
    }
    if (step == STEP_TAKE)
        st = take_locked(c, value, serial, err);
    leave();
    if (step != STEP_FETCH && step != STEP_TAKE_EARLY)
        return st;
    if (step == STEP_FETCH) {
        st = fetch(c, limit_ms, err);
        if (st != OWNKEY_OK)
            return st;
    } else {
        struct ownkey_error why = { 0 };

        /* Half of the time is left for what the credential is needed for. */
        if (fetch(c, limit_ms / 2, &why) != OWNKEY_OK)
            ownkey_log(OWNKEY_LOG_WARNING,
                       "credentials that end soon could not be renewed yet: %s",
                       why.text);
    }
    enter(c);
    st = c->serial != 0 ? take_locked(c, value, serial, err)
                        : ownkey_fail(err, OWNKEY_CREDENTIALS,
                                      "the credentials were refused while "
                                      "they were fetched");
    leave();
    return st;
}

bool
ownkey_credential_refused(struct ownkey_credential *c, uint64_t serial)
{
    uint64_t now_ms = ownkey_clock_boot_ms(c->clock);
    bool again = true;

    enter(c);
    if (c->serial == serial && serial != 0) {
        again = now_ms >= c->fetched_ms + OWNKEY_CREDENTIAL_PAUSE_MS;
        if (again) {
            c->serial = 0;
            ownkey_secret_clear(&c->value);
        }
    }
    leave();
    return again;
}

void
ownkey_credential_forget(struct ownkey_credential *c, uint64_t serial)
{
    enter(c);
    if (c->serial == serial && serial != 0) {
        c->serial = 0;
        ownkey_secret_clear(&c->value);
    }
    leave();
}
