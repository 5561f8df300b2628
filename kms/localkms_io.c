/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* mkostemp */
#include "kms/localkms_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ------------------------------------------------------------ */

static enum ownkey_status
open_failed(struct ownkey_error *err, int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ownkey_fail(err, OWNKEY_GONE,
                           "there is no such key file; `ownkey localkms "
                           "create` makes one");
    case EACCES:
    case EPERM:
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "user %ld may not read this key file: %s; it has "
                           "to belong to the user that the program runs as",
                           (long)geteuid(), strerror(number));
    case ELOOP:
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "it is a symbolic link; name the file itself");
    default:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "this key file cannot be opened: %s",
                           strerror(number));
    }
}

/* Whoever can read the file has the key; whoever can write it chooses it. */
static enum ownkey_status
check_guarded(const struct stat *st, struct ownkey_error *err)
{
    unsigned mode = (unsigned)st->st_mode & 07777;

    if (!S_ISREG(st->st_mode))
        return ownkey_fail(err, OWNKEY_CONFIG, "it is not a regular file");
    if ((mode & ~0600U) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "its mode is %04o, but only its owner may get at a "
                           "key file; run `chmod 600` on it",
                           mode);
    if (st->st_uid != geteuid() && geteuid() != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "it belongs to user %ld, not to user %ld that this "
                           "program runs as",
                           (long)st->st_uid, (long)geteuid());
    return OWNKEY_OK;
}

static enum ownkey_status
open_guarded(const char *path, int *out, struct stat *st,
             struct ownkey_error *err)
{
    /* O_NONBLOCK: a FIFO in its place must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
                            O_NONBLOCK);
    enum ownkey_status status;

    if (fd < 0)
        return open_failed(err, errno);
    if (fstat(fd, st) != 0)
        status = open_failed(err, errno);
    else
        status = check_guarded(st, err);
    if (status != OWNKEY_OK) {
        (void)close(fd);
        return status;
    }
    *out = fd;
    return OWNKEY_OK;
}

static enum ownkey_status
read_text(int fd, size_t size, struct ownkey_secret *text,
          struct ownkey_error *err)
{
    if (ownkey_secret_alloc(text, size + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "no secure memory left for a key file");
    while (text->len < size) {
        ssize_t n = read(fd, text->data + text->len, size - text->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ownkey_fail(err, OWNKEY_UNREACHABLE,
                               "this key file cannot be read: %s",
                               strerror(errno));
        if (n == 0)
            break;
        text->len += (size_t)n;
    }
    return OWNKEY_OK;
}

static enum ownkey_status
load_fd(int fd, const struct stat *st, struct ownkey_localkms_file *file,
        struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    enum ownkey_status status;

    if (st->st_size > OWNKEY_LOCALKMS_TEXT_MAX)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "not a localkms key file: it is too long");
    status = read_text(fd, (size_t)st->st_size, &text, err);
    if (status == OWNKEY_OK)
        status = ownkey_localkms_parse(ownkey_blob_secret(&text), file, err);
    ownkey_secret_clear(&text);
    return status;
}

enum ownkey_status
ownkey_localkms_load(const char *path, struct ownkey_localkms_file *file,
                     struct ownkey_error *err)
{
    struct stat st;
    int fd;
    enum ownkey_status status = open_guarded(path, &fd, &st, err);

    if (status == OWNKEY_OK) {
        status = load_fd(fd, &st, file, err);
        (void)close(fd);
    }
    if (status != OWNKEY_OK)
        ownkey_error_prefix(err, "%s", path);
    return status;
}

/* ---- one writer at a time ----------------------------------------------- */

static bool
lock_fd(int fd)
{
    int rc;

    do
        rc = flock(fd, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

/*
 * The lock is on the file and not on its directory, where others might hold
 * one. A writer replaces the file, so who waited for the lock may hold that of
 * a file which is no longer there, and tries again with the new one.
 */
static enum ownkey_status
open_locked(const char *path, int *out, struct stat *st,
            struct ownkey_error *err)
{
    for (;;) {
        enum ownkey_status status = open_guarded(path, out, st, err);
        struct stat now;

        if (status != OWNKEY_OK)
            return status;
        if (!lock_fd(*out)) {
            status = ownkey_fail(err, OWNKEY_IO,
                                 "this key file cannot be locked: %s",
                                 strerror(errno));
            (void)close(*out);
            return status;
        }
        if (lstat(path, &now) == 0 && now.st_dev == st->st_dev &&
            now.st_ino == st->st_ino)
            return OWNKEY_OK;
        (void)close(*out);
    }
}

enum ownkey_status
ownkey_localkms_load_locked(const char *path,
                            struct ownkey_localkms_file *file, int *fd,
                            struct ownkey_error *err)
{
    struct stat st;
    int locked;
    enum ownkey_status status = open_locked(path, &locked, &st, err);

    if (status == OWNKEY_OK) {
        status = load_fd(locked, &st, file, err);
        if (status == OWNKEY_OK)
            *fd = locked;
        else
            (void)close(locked);
    }
    if (status != OWNKEY_OK)
        ownkey_error_prefix(err, "%s", path);
    return status;
}

/* ---- writing ------------------------------------------------------------ */

static enum ownkey_status
write_failed(struct ownkey_error *err, const char *what)
{
    return ownkey_fail(err, OWNKEY_IO, "%s: %s", what, strerror(errno));
}

/* Keeps the owner when root changes somebody's file. */
static bool
keep_owner(int fd, int old_fd)
{
    struct stat old;

    if (old_fd < 0)
        return true;
    if (fstat(old_fd, &old) != 0)
        return false;
    return old.st_uid == geteuid() || fchown(fd, old.st_uid, old.st_gid) == 0;
}

static enum ownkey_status
write_text(int fd, const struct ownkey_secret *text, int old_fd,
           struct ownkey_error *err)
{
    size_t done = 0;

    while (done < text->len) {
        ssize_t n = write(fd, text->data + done, text->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return write_failed(err, "the key file cannot be written");
        done += (size_t)n;
    }
    if (!keep_owner(fd, old_fd))
        return write_failed(err, "the key file's owner cannot be kept");
    if (fsync(fd) != 0)
        return write_failed(err, "the key file cannot be written");
    return OWNKEY_OK;
}

/* So that the new name is there after a power cut. */
static enum ownkey_status
sync_directory(const char *path, struct ownkey_error *err)
{
    char *dir = strdup(path);
    char *slash;
    int fd;
    int rc;

    if (dir == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    slash = strrchr(dir, '/');
    if (slash != NULL)
        slash[slash == dir ? 1 : 0] = '\0';
    fd = open(slash != NULL ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return write_failed(err, "it is in place, but its directory cannot be "
                                 "opened to sync it");
    rc = fsync(fd);
    (void)close(fd);
    /* EINVAL: a file system that has nothing to sync there. */
    if (rc != 0 && errno != EINVAL)
        return write_failed(err, "it is in place, but its directory cannot be "
                                 "synced");
    return OWNKEY_OK;
}

/* link, not rename: it fails when the name is taken. */
static enum ownkey_status
put_in_place(const char *temp, const char *path, int old_fd,
             struct ownkey_error *err)
{
    if (old_fd >= 0) {
        if (rename(temp, path) == 0)
            return OWNKEY_OK;
    } else if (link(temp, path) == 0) {
        (void)unlink(temp);
        return OWNKEY_OK;
    }
    if (errno == EEXIST)
        return ownkey_fail(err, OWNKEY_IO,
                           "it exists already and is left as it is");
    return write_failed(err, "the key file cannot be put in its place");
}

static enum ownkey_status
store_text(const char *path, char *temp, const struct ownkey_secret *text,
           int old_fd, struct ownkey_error *err)
{
    int fd = mkostemp(temp, O_CLOEXEC); /* mode 0600 */
    enum ownkey_status st;

    if (fd < 0)
        return write_failed(err, "no file can be made in its directory");
    st = write_text(fd, text, old_fd, err);
    if (close(fd) != 0 && st == OWNKEY_OK)
        st = write_failed(err, "the key file cannot be written");
    if (st == OWNKEY_OK)
        st = put_in_place(temp, path, old_fd, err);
    if (st != OWNKEY_OK) {
        (void)unlink(temp);
        return st;
    }
    return sync_directory(path, err);
}

enum ownkey_status
ownkey_localkms_store(const char *path, const struct ownkey_localkms_file *file,
                      int fd, struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    size_t size = strlen(path) + sizeof(".XXXXXX");
    char *temp = malloc(size);
    enum ownkey_status st;

    if (temp == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    (void)snprintf(temp, size, "%s.XXXXXX", path);
    st = ownkey_localkms_print(file, &text, err);
    if (st == OWNKEY_OK)
        st = store_text(path, temp, &text, fd, err);
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "%s", path);
    ownkey_secret_clear(&text);
    free(temp);
    return st;
}
