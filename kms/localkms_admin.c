/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/localkms_admin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/libctx.h"
#include "kms/localkms_file.h"
#include "kms/localkms_io.h"
#include "kms/localkms_pkey.h"

/* RFC 9562, 5.4: random but for version and variant. */
static enum ownkey_status
make_uuid(char uuid[static OWNKEY_LOCALKMS_UUID_LEN + 1])
{
    uint8_t b[16];
    char hex[2 * sizeof(b) + 1];

    if (ownkey_libctx() == NULL ||
        RAND_bytes_ex(ownkey_libctx(), b, sizeof(b), 0) != 1)
        return OWNKEY_NOMEM;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    ownkey_hex_encode(b, sizeof(b), hex);
    (void)snprintf(uuid, OWNKEY_LOCALKMS_UUID_LEN + 1,
                   "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    return OWNKEY_OK;
}

static enum ownkey_status
add_new_version(struct ownkey_localkms_file *file, struct ownkey_error *err)
{
    struct ownkey_secret key = { 0 };
    enum ownkey_status st = ownkey_localkms_key_make(file->type, &key, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_file_add_move(
            file, ownkey_clock_wall_s(&ownkey_clock_system), &key, err);
    ownkey_secret_clear(&key);
    return st;
}

enum ownkey_status
ownkey_localkms_create(const char *path, enum ownkey_key_type type,
                       struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { .type = type, .enabled = true };
    struct stat st_buf;
    enum ownkey_status st = make_uuid(file.uuid);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no random bytes for a UUID");
    /* Asked before the work; what counts is asked again when it is stored. */
    if (lstat(path, &st_buf) == 0)
        return ownkey_fail(err, OWNKEY_IO,
                           "%s: it exists already and is left as it is", path);
    st = add_new_version(&file, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_store(path, &file, -1, err);
    ownkey_localkms_file_clear(&file);
    return st;
}

static enum ownkey_status
check_can_rotate(const char *path, const struct ownkey_localkms_file *file,
                 struct ownkey_error *err)
{
    if (file->type != OWNKEY_KEY_AES_256)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "%s: only an aes-256 key can be rotated; what was "
                           "made for this %s key needs it as it is: create a "
                           "new key beside it",
                           path, ownkey_key_type_info(file->type)->name);
    if (!file->enabled)
        return ownkey_fail(err, OWNKEY_DISABLED,
                           "%s: the key is disabled; enable it first", path);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_localkms_rotate(const char *path, uint32_t *version,
                       struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    int fd;
    enum ownkey_status st = ownkey_localkms_load_locked(path, &file, &fd, err);

    if (st != OWNKEY_OK)
        return st;
    st = check_can_rotate(path, &file, err);
    if (st == OWNKEY_OK)
        st = add_new_version(&file, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_store(path, &file, fd, err);
    if (st == OWNKEY_OK && version != NULL)
        *version = file.current;
    (void)close(fd);
    ownkey_localkms_file_clear(&file);
    return st;
}

static enum ownkey_status
set_enabled(const char *path, bool enabled, struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    int fd;
    enum ownkey_status st = ownkey_localkms_load_locked(path, &file, &fd, err);

    if (st != OWNKEY_OK)
        return st;
    if (file.enabled != enabled) {
        file.enabled = enabled;
        st = ownkey_localkms_store(path, &file, fd, err);
    }
    (void)close(fd);
    ownkey_localkms_file_clear(&file);
    return st;
}

enum ownkey_status
ownkey_localkms_disable(const char *path, struct ownkey_error *err)
{
    return set_enabled(path, false, err);
}

enum ownkey_status
ownkey_localkms_enable(const char *path, struct ownkey_error *err)
{
    return set_enabled(path, true, err);
}

enum ownkey_status
ownkey_localkms_info(const char *path, struct ownkey_localkms_info *info,
                     struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    enum ownkey_status st = ownkey_localkms_load(path, &file, err);

    if (st != OWNKEY_OK)
        return st;
    *info = (struct ownkey_localkms_info){
        .type = file.type,
        .enabled = file.enabled,
        .current = file.current,
        .versions = file.count,
        .created_s = file.versions[0].created_s,
        .rotated_s = ownkey_localkms_file_current(&file)->created_s,
    };
    memcpy(info->uuid, file.uuid, sizeof(info->uuid));
    ownkey_localkms_file_clear(&file);
    return OWNKEY_OK;
}

/* An INI value: one line, no blank at its end, no " ;": it starts a comment. */
static bool
fits_configuration(const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
            return false;
    }
    return len > 0 && path[len - 1] != ' ' && strstr(path, " ;") == NULL;
}

enum ownkey_status
ownkey_localkms_uri(const char *path, char **uri, struct ownkey_error *err)
{
    char cwd[PATH_MAX] = "";
    size_t size;
    char *made;

    if (!fits_configuration(path))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "ownkey.conf cannot carry this path: it is empty, "
                           "ends with a blank, or has control characters or "
                           "\" ;\"");
    if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
        return ownkey_fail(err, OWNKEY_IO,
                           "the working directory has no path: %s",
                           strerror(errno));
    size = sizeof("localkms:///") + strlen(cwd) + strlen(path);
    made = malloc(size);
    if (made == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    (void)snprintf(made, size, "localkms://%s%s%s", cwd,
                   path[0] != '/' ? "/" : "", path);
    *uri = made;
    return OWNKEY_OK;
}
