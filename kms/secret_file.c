/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *
ownkey_secret_file_name(const char *path)
{
    return path[0] == '/' ? path
                          : "(what is set there is no absolute path, and is "
                            "not repeated: it may be the secret itself)";
}

static enum ownkey_status
fail_errno(const char *path, const char *what, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CREDENTIALS, "%s: %.200s: %s", what,
                       ownkey_secret_file_name(path), strerror(errno));
}

/* Up to size bytes; -1 with errno. */
static ssize_t
read_all(int fd, uint8_t *data, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t n = read(fd, data + used, size - used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

static enum ownkey_status
read_open(int fd, const char *path, const char *what, size_t max,
          struct ownkey_secret *out, struct ownkey_error *err)
{
    struct ownkey_secret s = { 0 };
    struct stat st;
    size_t size;
    ssize_t n;

    if (fstat(fd, &st) != 0)
        return fail_errno(path, what, err);
    if (!S_ISREG(st.st_mode))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%s: %.200s is not a regular file", what,
                           ownkey_secret_file_name(path));
    /* One that grows just now is read again next time. */
    size = st.st_size < (off_t)max ? (size_t)st.st_size : max;
    if (ownkey_secret_alloc(&s, size + 2) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    n = read_all(fd, s.data, size + 1);
    if (n <= 0 || (size_t)n > max) {
        ownkey_secret_clear(&s);
        if (n < 0)
            return fail_errno(path, what, err);
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           n == 0 ? "%s: %.200s is empty"
                                  : "%s: %.200s is too long",
                           what, ownkey_secret_file_name(path));
    }
    s.len = (size_t)n;
    ownkey_secret_move(out, &s);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_secret_file_read(const char *path, const char *what, size_t max,
                        bool follow, struct ownkey_secret *out,
                        struct ownkey_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                            (follow ? 0 : O_NOFOLLOW));
    enum ownkey_status st;

    if (fd < 0)
        return fail_errno(path, what, err);
    st = read_open(fd, path, what, max, out, err);
    (void)close(fd);
    return st;
}

static bool
is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum ownkey_status
ownkey_secret_file_read_token(const char *path, const char *what, size_t max,
                              struct ownkey_secret *out,
                              struct ownkey_error *err)
{
    struct ownkey_secret s = { 0 };
    enum ownkey_status st =
        ownkey_secret_file_read(path, what, max, true, &s, err);
    size_t start = 0, end = s.len;

    if (st != OWNKEY_OK)
        return st;
    while (start < end && is_white(s.data[start]))
        start++;
    while (end > start && is_white(s.data[end - 1]))
        end--;
    for (size_t i = start; st == OWNKEY_OK && i < end; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                             "%s: %.200s holds no token", what,
                             ownkey_secret_file_name(path));
    if (st == OWNKEY_OK && start == end)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS, "%s: %.200s is empty", what,
                         ownkey_secret_file_name(path));
    if (st == OWNKEY_OK) {
        memmove(s.data, s.data + start, end - start);
        s.len = end - start;
        s.data[s.len] = 0;
        ownkey_secret_move(out, &s);
    }
    ownkey_secret_clear(&s);
    return st;
}
