/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/hsm_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"

/* FNV-1a: the version is no secret and nobody gains by two alike. */
static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t
version_of(const struct ownkey_hsm_pin_source *source, const struct stat *st)
{
    uint64_t h = mix(UINT64_C(0xcbf29ce484222325), source->name,
                     strlen(source->name) + 1);

    if (st == NULL)
        return h;
    h = mix(h, &st->st_dev, sizeof(st->st_dev));
    h = mix(h, &st->st_ino, sizeof(st->st_ino));
    h = mix(h, &st->st_size, sizeof(st->st_size));
    h = mix(h, &st->st_mtim, sizeof(st->st_mtim));
    return mix(h, &st->st_ctim, sizeof(st->st_ctim));
}

/* As with ownkey.conf: of root's file a group may be the reader. */
static enum ownkey_status
check_guarded(const char *path, const struct stat *st, struct ownkey_error *err)
{
    unsigned mode = (unsigned)st->st_mode & 07777;
    unsigned others = st->st_uid == 0 ? 027 : 077;

    if (!S_ISREG(st->st_mode))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "PIN file %s is not a regular file", path);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "PIN file %s belongs to user %ld; it has to belong "
                           "to root or to user %ld, who runs this",
                           path, (long)st->st_uid, (long)geteuid());
    if ((mode & others) != 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "PIN file %s is open to others (mode %04o); chmod "
                           "600 %s",
                           path, mode, path);
    return OWNKEY_OK;
}

static enum ownkey_status
read_fd(int fd, const char *path, struct ownkey_secret *text,
        struct ownkey_error *err)
{
    /* Room for a line end and for one byte that is too much. */
    if (ownkey_secret_alloc(text, OWNKEY_HSM_PIN_MAX + 3) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory for a PIN");
    while (text->len < OWNKEY_HSM_PIN_MAX + 3) {
        ssize_t n = read(fd, text->data + text->len,
                         OWNKEY_HSM_PIN_MAX + 3 - text->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ownkey_fail(err, OWNKEY_CREDENTIALS,
                               "PIN file %s cannot be read: %s", path,
                               strerror(errno));
        if (n == 0)
            break;
        text->len += (size_t)n;
    }
    if (text->len > 0 && text->data[text->len - 1] == '\n')
        text->len--;
    if (text->len > 0 && text->data[text->len - 1] == '\r')
        text->len--;
    return OWNKEY_OK;
}

static enum ownkey_status
read_file(const struct ownkey_hsm_pin_source *source,
          struct ownkey_secret *text, uint64_t *version,
          struct ownkey_error *err)
{
    /* O_NONBLOCK: a FIFO in its place must not hang us. */
    int fd = open(source->name,
                  O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    enum ownkey_status status;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        status = ownkey_fail(err, OWNKEY_CREDENTIALS,
                             "PIN file %s cannot be opened by user %ld: %s",
                             source->name, (long)geteuid(), strerror(errno));
    } else {
        *version = version_of(source, &st);
        status = check_guarded(source->name, &st, err);
        if (status == OWNKEY_OK)
            status = read_fd(fd, source->name, text, err);
    }
    if (fd >= 0)
        (void)close(fd);
    return status;
}

static enum ownkey_status
read_env(const struct ownkey_hsm_pin_source *source,
         struct ownkey_secret *text, uint64_t *version,
         struct ownkey_error *err)
{
    const char *value = ownkey_environment(source->name);

    *version = version_of(source, NULL);
    if (value == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "pkcs11.pin_env: there is no variable %s in the "
                           "environment of this process",
                           source->name);
    if (ownkey_secret_copy(text, value,
                           strnlen(value, OWNKEY_HSM_PIN_MAX + 1)) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory for a PIN");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_hsm_pin_read(const struct ownkey_hsm_pin_source *source,
                    struct ownkey_secret *pin, uint64_t *version,
                    struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    enum ownkey_status st;

    *version = 0;
    if (source->kind == OWNKEY_HSM_PIN_FILE)
        st = read_file(source, &text, version, err);
    else if (source->kind == OWNKEY_HSM_PIN_ENV)
        st = read_env(source, &text, version, err);
    else
        st = ownkey_fail(err, OWNKEY_CREDENTIALS, "no PIN is configured");
    if (st == OWNKEY_OK &&
        (text.len == 0 || text.len > OWNKEY_HSM_PIN_MAX ||
         memchr(text.data, '\0', text.len) != NULL))
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the PIN in %s is empty, longer than %d bytes or has "
                         "a NUL in it",
                         source->name, OWNKEY_HSM_PIN_MAX);
    if (st == OWNKEY_OK)
        ownkey_secret_move(pin, &text);
    ownkey_secret_clear(&text);
    return st;
}
