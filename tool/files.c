/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_standard(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

static enum ownkey_status
io_error(const char *path, const char *what, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_IO, "%s: %s: %s", path, what,
                       strerror(errno));
}

static enum ownkey_status
read_fd(int fd, const char *name, size_t max, struct ownkey_secret *out,
        struct ownkey_error *err)
{
    struct ownkey_secret got = { 0 };

    if (ownkey_secret_alloc(&got, max + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory to read %s",
                           name);
    while (got.len <= max) {
        ssize_t n = read(fd, got.data + got.len, max + 1 - got.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            ownkey_secret_clear(&got);
            return io_error(name, "cannot be read", err);
        }
        if (n == 0)
            break;
        got.len += (size_t)n;
    }
    if (got.len > 0 && got.len <= max) {
        ownkey_secret_move(out, &got);
        return OWNKEY_OK;
    }
    if (got.len == 0)
        (void)ownkey_fail(err, OWNKEY_ARG, "%s is empty", name);
    else
        (void)ownkey_fail(err, OWNKEY_ARG,
                          "%s is longer than %zu bytes, the limit here", name,
                          max);
    ownkey_secret_clear(&got);
    return OWNKEY_ARG;
}

enum ownkey_status
ownkey_tool_read(const char *path, size_t max, struct ownkey_secret *out,
                 struct ownkey_error *err)
{
    enum ownkey_status st;
    int fd;

    if (is_standard(path))
        return read_fd(STDIN_FILENO, "standard input", max, out, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(path, "cannot be opened", err);
    st = read_fd(fd, path, max, out, err);
    (void)close(fd);
    return st;
}

static bool
write_all(int fd, struct ownkey_blob data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.data, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data.data += n;
        data.len -= (size_t)n;
    }
    return true;
}

static enum ownkey_status
write_stdout(struct ownkey_blob data, struct ownkey_error *err)
{
    if (fflush(stdout) != 0 || !write_all(STDOUT_FILENO, data))
        return io_error("standard output", "cannot be written", err);
    return OWNKEY_OK;
}

/* A pipe or a device: there is nothing to replace. */
static enum ownkey_status
write_special(const char *path, struct ownkey_blob data,
              struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return io_error(path, "cannot be opened", err);
    if (!write_all(fd, data))
        st = io_error(path, "cannot be written", err);
    if (close(fd) != 0 && st == OWNKEY_OK)
        st = io_error(path, "cannot be written", err);
    return st;
}

/* Gives a finished file its name. */
static enum ownkey_status
put_in_place(const char *temporary, const char *path,
             enum ownkey_tool_place place, struct ownkey_error *err)
{
    /* Unlike rename, link never replaces what is there already. */
    int failed = place == OWNKEY_TOOL_REPLACE ? rename(temporary, path)
                                              : link(temporary, path);

    if (failed == 0)
        return OWNKEY_OK;
    if (errno == EEXIST)
        return ownkey_fail(err, OWNKEY_IO, "%s exists and is left as it is",
                           path);
    return io_error(path, "cannot be written", err);
}

/* like: the file whose mode and owner the new one gets; NULL: 0600, ours. */
static bool
set_owner(int fd, const struct stat *like)
{
    struct stat made;

    if (like == NULL)
        return true;
    return fstat(fd, &made) == 0 &&
           ((made.st_uid == like->st_uid && made.st_gid == like->st_gid) ||
            fchown(fd, like->st_uid, like->st_gid) == 0) &&
           fchmod(fd, like->st_mode & 07777) == 0;
}

static enum ownkey_status
write_file(const char *path, struct ownkey_blob data,
           enum ownkey_tool_place place, const struct stat *like,
           struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;
    char *temporary;
    int fd;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        st = io_error(path, "cannot be written", err);
        free(temporary);
        return st;
    }
    if (!set_owner(fd, like))
        st = io_error(path, "its owner and mode cannot be kept", err);
    else if (!write_all(fd, data) || fsync(fd) != 0)
        st = io_error(path, "cannot be written", err);
    if (close(fd) != 0 && st == OWNKEY_OK)
        st = io_error(path, "cannot be written", err);
    if (st == OWNKEY_OK)
        st = put_in_place(temporary, path, place, err);
    (void)unlink(temporary); /* gone already after a rename */
    free(temporary);
    return st;
}

enum ownkey_status
ownkey_tool_write(const char *path, struct ownkey_blob data,
                  enum ownkey_tool_place place, struct ownkey_error *err)
{
    struct stat st;

    if (is_standard(path))
        return write_stdout(data, err);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_special(path, data, err);
    return write_file(path, data, place, NULL, err);
}

/* So that the new name outlives a loss of power; what cannot be synced (some
   file systems) is as it is. */
static void
sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL
                 ? open(dirname(copy), O_RDONLY | O_CLOEXEC | O_DIRECTORY)
                 : -1;

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(copy);
}

enum ownkey_status
ownkey_tool_update(const char *path, struct ownkey_blob data,
                   struct ownkey_error *err)
{
    char *real = realpath(path, NULL); /* of a link the file changes */
    enum ownkey_status st = OWNKEY_OK;
    struct stat was;

    if (real == NULL || stat(real, &was) != 0)
        st = io_error(path, "cannot be written", err);
    else if (!S_ISREG(was.st_mode))
        st = ownkey_fail(err, OWNKEY_IO, "%s: not a regular file", path);
    else
        st = write_file(real, data, OWNKEY_TOOL_REPLACE, &was, err);
    if (st == OWNKEY_OK)
        sync_folder(real);
    free(real);
    return st;
}

bool
ownkey_tool_is_terminal(const char *path)
{
    struct stat st;
    bool terminal;
    int fd;

    if (is_standard(path))
        return isatty(STDOUT_FILENO) == 1;
    if (stat(path, &st) != 0 || !S_ISCHR(st.st_mode))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return false;
    terminal = isatty(fd) == 1;
    (void)close(fd);
    return terminal;
}
