/* SPDX-License-Identifier: Apache-2.0 */
#include "token/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "token/internal.h"

/* "DIR/all" or "DIR/token.NAME". False: too long. */
static bool
path_of(char path[static PATH_MAX], const char *dir, const char *token)
{
    int len = token == NULL
                  ? snprintf(path, PATH_MAX, "%s/all", dir)
                  : snprintf(path, PATH_MAX, "%s/token.%s", dir, token);

    return len > 0 && len < PATH_MAX;
}

/* ---- looking ----------------------------------------------------------- */

static struct ownkey_flush_file
file_of(const char *dir, const char *token)
{
    struct ownkey_flush_file file = { 0 };
    char path[PATH_MAX];
    struct stat st;

    if (path_of(path, dir, token) && stat(path, &st) == 0) {
        file.device = st.st_dev;
        file.inode = st.st_ino;
        file.changed = st.st_ctim;
    }
    return file;
}

/*
 * A file that is gone is no flush (the folder is emptied at boot, or cannot be
 * seen any more by a process that changed its user).
 */
static bool
is_another(const struct ownkey_flush_file *now,
           const struct ownkey_flush_file *before)
{
    return now->inode != 0 &&
           (now->device != before->device || now->inode != before->inode ||
            now->changed.tv_sec != before->changed.tv_sec ||
            now->changed.tv_nsec != before->changed.tv_nsec);
}

/* Keeps what was seen. Whoever finds a flush raises the epoch, under the lock. */
static bool
compare(struct ownkey_token *token, const struct ownkey_flush_file *all,
        const struct ownkey_flush_file *own)
{
    struct ownkey_flush_mark *mark = token->tree != NULL
                                         ? ownkey_tree_lock_mark(token->tree)
                                         : &token->flush_mark;
    bool flushed;

    if (mark == NULL)
        return false; /* the next look sees it */
    if (token->tree == NULL)
        (void)pthread_mutex_lock(&token->lock);
    flushed = mark->set && (is_another(all, &mark->all) ||
                            is_another(own, &mark->own));
    if (!mark->set || is_another(all, &mark->all))
        mark->all = *all;
    if (!mark->set || is_another(own, &mark->own))
        mark->own = *own;
    mark->set = true;
    if (flushed) {
        atomic_fetch_add(token->flushes, 1);
        atomic_fetch_add(token->epoch, 1);
    }
    if (token->tree != NULL)
        ownkey_tree_unlock_mark(token->tree);
    else
        (void)pthread_mutex_unlock(&token->lock);
    return flushed;
}

static void
look(struct ownkey_token *token, const struct ownkey_flush_file *all)
{
    const char *dir = token->set->conf->flush_dir;
    const struct ownkey_flush_file own = file_of(dir, token->conf->name);

    if (!compare(token, all, &own))
        return;
    ownkey_log(OWNKEY_LOG_INFO, "token %s: flushed, %zu leases ended",
               token->conf->name,
               ownkey_lease_purge(token->set->leases, token));
    if (token->tree != NULL)
        ownkey_tree_sweep(token->tree, ownkey_token_now(token));
}

void
ownkey_flush_look(struct ownkey_token *token)
{
    struct ownkey_flush_file all;

    if (token->set->conf->flush_dir == NULL)
        return;
    all = file_of(token->set->conf->flush_dir, NULL);
    look(token, &all);
}

void
ownkey_flush_look_all(struct ownkey_tokens *set, uint64_t now_ms)
{
    struct ownkey_flush_file all = { 0 };
    bool have = false;

    if (set->conf->flush_dir == NULL)
        return;
    for (size_t i = 0; i < set->count; i++) {
        struct ownkey_token *token = &set->tokens[i];

        if (atomic_load(&token->lease_end_ms) + token->conf->grace_ms <= now_ms)
            continue;
        if (!have)
            all = file_of(set->conf->flush_dir, NULL);
        have = true;
        look(token, &all);
    }
}

/* ---- ordering ---------------------------------------------------------- */

static enum ownkey_status
fail_io(struct ownkey_error *err, const char *what, const char *path)
{
    return ownkey_fail(err, OWNKEY_IO, "%s %.200s: %s", what, path,
                       strerror(errno));
}

/*
 * Only the last part; /run is there, /etc is there. For all to pass through,
 * whatever the umask of who orders: they would not hear of it else.
 */
static bool
make_folder(const char *dir)
{
    if (mkdir(dir, 0755) != 0)
        return errno == EEXIST;
    return chmod(dir, 0755) == 0;
}

/* A new file in place of the old one, which is there until then. */
static enum ownkey_status
replace(const char *path, const char *dir, struct ownkey_error *err)
{
    char made[PATH_MAX];
    int len = snprintf(made, sizeof(made), "%s/.new.XXXXXX", dir);
    int fd;

    if (len < 0 || (size_t)len >= sizeof(made))
        return ownkey_fail(err, OWNKEY_IO, "%.200s: the path is too long", dir);
    fd = mkstemp(made);
    if (fd < 0)
        return fail_io(err, "cannot make a file in", dir);
    (void)fchmod(fd, 0644);
    (void)close(fd);
    if (rename(made, path) == 0)
        return OWNKEY_OK;
    (void)fail_io(err, "cannot replace", path);
    (void)unlink(made);
    return OWNKEY_IO;
}

enum ownkey_status
ownkey_flush_order(const char *dir, const char *token, struct ownkey_error *err)
{
    char path[PATH_MAX];

    if (!path_of(path, dir, token))
        return ownkey_fail(err, OWNKEY_IO, "%.200s: the path is too long", dir);
    if (!make_folder(dir))
        return fail_io(err, "cannot make the folder", dir);
    return replace(path, dir, err);
}
