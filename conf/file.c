/* SPDX-License-Identifier: Apache-2.0 */
/* Files: who may have written them, and their bytes. */
#include "conf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
ownkey_conf_wipe(struct ownkey_bytes *bytes)
{
    if (bytes->data != NULL)
        explicit_bzero(bytes->data, bytes->len);
    ownkey_bytes_clear(bytes);
}

static enum ownkey_status
read_all(int fd, const char *path, struct ownkey_bytes *bytes,
         struct ownkey_error *err)
{
    size_t done = 0;

    while (done < bytes->len) {
        ssize_t n = read(fd, bytes->data + done, bytes->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ownkey_fail(err, OWNKEY_CONFIG, "%s: cannot be read: %s",
                               path, strerror(errno));
        if (n == 0)
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "%s: became shorter while it was read", path);
        done += (size_t)n;
    }
    return OWNKEY_OK;
}

static enum ownkey_status
read_open(int fd, const char *path, size_t max, struct ownkey_bytes *bytes,
          struct stat *st, struct ownkey_error *err)
{
    struct ownkey_bytes got = { 0 };
    enum ownkey_status status;

    if (fstat(fd, st) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st->st_mode))
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: not a regular file", path);
    if ((uintmax_t)st->st_size > max)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: larger than %zu KiB, which is the limit", path,
                           max >> 10);
    status = ownkey_bytes_alloc(&got, (size_t)st->st_size);
    if (status == OWNKEY_OK)
        status = read_all(fd, path, &got, err);
    else
        (void)ownkey_fail(err, status, "%s: no memory", path);
    if (status == OWNKEY_OK) {
        ownkey_bytes_clear(bytes);
        *bytes = got;
        return OWNKEY_OK;
    }
    ownkey_conf_wipe(&got);
    return status;
}

enum ownkey_status
ownkey_conf_read(const char *path, size_t max, struct ownkey_bytes *bytes,
                 struct stat *st, struct ownkey_error *err)
{
    enum ownkey_status status;
    struct stat before;
    int fd;

    /* Opening a device may already do something; a FIFO would block. */
    if (stat(path, &before) == 0 && !S_ISREG(before.st_mode))
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: not a regular file", path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: cannot be opened: %s", path,
                           strerror(errno));
    status = read_open(fd, path, max, bytes, st, err);
    (void)close(fd);
    return status;
}

static bool
trusted_owner(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

/* Where anybody may write, anybody may put another file in its place. */
static enum ownkey_status
check_folder(const char *path, struct ownkey_error *err)
{
    enum ownkey_status status = OWNKEY_OK;
    char *real = realpath(path, NULL);
    struct stat st;
    char *folder;

    if (real == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s", path, strerror(errno));
    folder = dirname(real);
    if (stat(folder, &st) != 0)
        status =
            ownkey_fail(err, OWNKEY_CONFIG, "%s: %s", folder, strerror(errno));
    else if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
        status = ownkey_fail(err, OWNKEY_CONFIG,
                             "%s: everybody may replace it, its folder is "
                             "writable by all; chmod o-w %s",
                             path, folder);
    free(real);
    return status;
}

/* A link that somebody else owns would be redirected at will. */
static enum ownkey_status
check_link(const char *path, struct ownkey_error *err)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s", path, strerror(errno));
    if (S_ISLNK(st.st_mode) && !trusted_owner(st.st_uid))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: a symbolic link owned by user %u; it must be "
                           "owned by root or by user %u, who runs this",
                           path, (unsigned)st.st_uid, (unsigned)geteuid());
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_conf_permission(const char *path, const struct stat *st,
                       bool has_credential, struct ownkey_error *err)
{
    enum ownkey_status status;

    if (!trusted_owner(st->st_uid))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: owned by user %u; it must be owned by root or "
                           "by user %u, who runs this",
                           path, (unsigned)st->st_uid, (unsigned)geteuid());
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: others may write it (mode %04o); chmod go-w %s",
                           path, (unsigned)(st->st_mode & 07777), path);
    /* Of root's file a group may be the reader, as servers like to have it. */
    if (has_credential && ((st->st_mode & S_IROTH) != 0 ||
                           ((st->st_mode & S_IRGRP) != 0 && st->st_uid != 0)))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: holds a credential and others may read it "
                           "(mode %04o); chmod 600 %s",
                           path, (unsigned)(st->st_mode & 07777), path);
    status = check_link(path, err);
    return status == OWNKEY_OK ? check_folder(path, err) : status;
}

enum ownkey_status
ownkey_conf_program(const char *path, struct ownkey_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: not a program that user %u may run", path,
                           (unsigned)geteuid());
    return ownkey_conf_permission(path, &st, false, err);
}
