/* SPDX-License-Identifier: Apache-2.0 */
#include "token/sqlite_file.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fork.h"
#include "token/sqlite_open.h"

enum {
    FORK_WAIT_S = 2, /* for a thread that is inside SQLite */
    NAP_MS = 5,
};

struct ownkey_sqlite {
    const struct ownkey_sqlite_config *config;
    pthread_mutex_t lock;          /* guards use and which */
    struct ownkey_sqlite_use use;  /* db is NULL: not open */
    struct ownkey_sqlite_id which; /* the file that is open */
    bool held;                     /* by fork_prepare */
    struct ownkey_sqlite *next;    /* all files; guarded by list_lock */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ownkey_sqlite *list;
static pid_t owner;       /* the process whose SQLite state this is */
static bool forked_amid;  /* a thread of the parent was inside SQLite */

/* ---- fork ---- */

static void
close_locked(struct ownkey_sqlite *file)
{
    ownkey_sqlite_close(&file->use);
}

/* False: somebody stayed inside for too long. */
static bool
wait_for(pthread_mutex_t *lock)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FORK_WAIT_S;
    return pthread_mutex_timedlock(lock, &until) == 0;
}

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&list_lock);
    for (struct ownkey_sqlite *f = list; f != NULL; f = f->next) {
        f->held = wait_for(&f->lock);
        if (f->held)
            close_locked(f);
    }
}

static void
fork_parent(void)
{
    for (struct ownkey_sqlite *f = list; f != NULL; f = f->next)
        if (f->held)
            (void)pthread_mutex_unlock(&f->lock);
    (void)pthread_mutex_unlock(&list_lock);
}

static void
fork_child(void)
{
    (void)pthread_mutex_init(&list_lock, NULL);
    owner = getpid();
    for (struct ownkey_sqlite *f = list; f != NULL; f = f->next) {
        if (!f->held) {
            forked_amid = true;
            memset(&f->use, 0, sizeof(f->use)); /* the parent's */
        }
        (void)pthread_mutex_init(&f->lock, NULL);
    }
}

static void
register_fork_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };

    owner = getpid();
    ownkey_fork_register(&hooks);
}

/* ---- life ---- */

struct ownkey_sqlite *
ownkey_sqlite_new(const struct ownkey_sqlite_config *config)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ownkey_sqlite *file = calloc(1, sizeof(*file));

    if (file == NULL)
        return NULL;
    (void)pthread_once(&once, register_fork_hooks);
    file->config = config;
    (void)pthread_mutex_init(&file->lock, NULL);
    (void)pthread_mutex_lock(&list_lock);
    file->next = list;
    list = file;
    (void)pthread_mutex_unlock(&list_lock);
    return file;
}

void
ownkey_sqlite_free(struct ownkey_sqlite *file)
{
    struct ownkey_sqlite **at = &list;

    if (file == NULL)
        return;
    (void)pthread_mutex_lock(&list_lock);
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    (void)pthread_mutex_unlock(&list_lock);
    if (owner == getpid()) { /* else the connection is another process's */
        ownkey_sqlite_checkpoint(&file->use);
        close_locked(file);
    }
    (void)pthread_mutex_destroy(&file->lock);
    free(file);
}

/* ---- use ---- */

static int
execute(struct ownkey_sqlite_use *use, const char *sql)
{
    return sqlite3_exec(use->db, sql, NULL, NULL, NULL);
}

static int
write_with(struct ownkey_sqlite_use *use, ownkey_sqlite_work *work, void *arg,
           struct ownkey_error *err)
{
    int rc = execute(use, "BEGIN IMMEDIATE");

    if (rc != SQLITE_OK)
        return rc;
    rc = work(use, arg, err);
    if (rc == SQLITE_OK || rc == SQLITE_DONE) {
        int committed = execute(use, "COMMIT");

        if (committed != SQLITE_OK)
            rc = committed;
    }
    if (sqlite3_get_autocommit(use->db) == 0)
        (void)execute(use, "ROLLBACK");
    return rc;
}

static void
reset_all(struct ownkey_sqlite_use *use)
{
    for (size_t i = 0; i < OWNKEY_SQLITE_STATEMENTS_MAX; i++) {
        if (use->statements[i] == NULL)
            continue;
        (void)sqlite3_reset(use->statements[i]);
        (void)sqlite3_clear_bindings(use->statements[i]);
    }
}

/* Opens it, or again if it is another file by now: a copy put back. */
static int
ensure_open(struct ownkey_sqlite *file, bool make, struct ownkey_error *err)
{
    const struct ownkey_sqlite_config *config = file->config;
    struct ownkey_sqlite_id now;
    int rc;

    if (file->use.db != NULL && ownkey_sqlite_identify(config, &now) &&
        now.device == file->which.device && now.inode == file->which.inode)
        return SQLITE_OK;
    close_locked(file);
    rc = ownkey_sqlite_open(config, make, &file->use, &file->which, err);
    if (rc != SQLITE_OK)
        close_locked(file);
    return rc;
}

/* One try: SQLITE_BUSY, and nothing has happened. */
static int
try_once(struct ownkey_sqlite *file, enum ownkey_sqlite_mode mode,
         ownkey_sqlite_work *work, void *arg, struct ownkey_error *err)
{
    int rc;

    (void)pthread_mutex_lock(&file->lock);
    rc = ensure_open(file, mode == OWNKEY_SQLITE_WRITE, err);
    if (rc == SQLITE_OK) {
        if (mode == OWNKEY_SQLITE_WRITE)
            rc = write_with(&file->use, work, arg, err);
        else
            rc = work(&file->use, arg, err);
        rc &= 0xff;
        if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW &&
            err->status == OWNKEY_OK)
            ownkey_sqlite_explain(file->config, file->use.db, rc, err);
        reset_all(&file->use);
    }
    (void)pthread_mutex_unlock(&file->lock);
    return rc & 0xff;
}

static void
nap(void)
{
    struct timespec pause = { .tv_nsec = NAP_MS * 1000000L };
    unsigned was = ownkey_fork_step_out();

    (void)nanosleep(&pause, NULL);
    ownkey_fork_step_in(was);
}

static uint64_t
now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* SQLITE_PROTOCOL: it has lost a race for a lock too often. */
static bool
is_busy(int rc)
{
    return rc == SQLITE_BUSY || rc == SQLITE_PROTOCOL;
}

static enum ownkey_status
run(struct ownkey_sqlite *file, enum ownkey_sqlite_mode mode,
    ownkey_sqlite_work *work, void *arg, struct ownkey_error *err)
{
    uint64_t until = now_ms() + OWNKEY_SQLITE_WAIT_MS;
    int rc;

    for (;;) {
        memset(err, 0, sizeof(*err));
        rc = try_once(file, mode, work, arg, err);
        if (!is_busy(rc) || now_ms() >= until)
            break;
        nap();
    }
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
        return OWNKEY_OK;
    return err->status;
}

enum ownkey_status
ownkey_sqlite_run(struct ownkey_sqlite *file, enum ownkey_sqlite_mode mode,
                  ownkey_sqlite_work *work, void *arg,
                  struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    enum ownkey_status st;
    int cancel = PTHREAD_CANCEL_ENABLE;

    if (err == NULL)
        err = &local;
    if (owner != getpid() || forked_amid)
        return ownkey_fail(err, OWNKEY_IO,
                           "%s: %s cannot be used in this process, which was "
                           "made %s; start it anew",
                           file->config->where, file->config->path,
                           forked_amid ? "by a fork() amid a long write to it"
                                       : "without fork handlers (clone)");
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    ownkey_fork_enter();
    st = run(file, mode, work, arg, err);
    ownkey_fork_leave();
    (void)pthread_setcancelstate(cancel, NULL);
    return st;
}
