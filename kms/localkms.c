/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/localkms.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fork.h"
#include "kms/localkms_aes.h"
#include "kms/localkms_driver.h"
#include "kms/localkms_file.h"
#include "kms/localkms_io.h"
#include "kms/localkms_pkey.h"

#define SCHEME "localkms"

static const char uri_start[] = SCHEME "://";
static const char delay_option[] = SCHEME ".delay";

enum { DELAY_MAX_MS = 10000 };

/* ---- what begins every operation ---------------------------------------- */

/* One write of a short line at the end: no lock needed. */
static void
count_call(const struct localkms *local, const char *line)
{
    int fd = open(local->calls,
                  O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return;
    if (write(fd, line, strlen(line)) < 0) {
        /* A count that cannot be kept is no reason to refuse. */
    }
    (void)close(fd);
}

static void
wait_delay(uint64_t ms)
{
    struct timespec left = { .tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000 };
    unsigned was = ownkey_fork_step_out();

    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    ownkey_fork_step_in(was);
}

/* operation: its name and a newline. */
static enum ownkey_status
begin(struct ownkey_kms *kms, const char *operation,
      struct ownkey_localkms_file *file, struct ownkey_error *err)
{
    struct localkms *local = localkms_of(kms);

    count_call(local, operation);
    if (local->delay_ms > 0)
        wait_delay(local->delay_ms);
    return ownkey_localkms_load(local->path, file, err);
}

/* For what a disabled key refuses. */
static enum ownkey_status
begin_enabled(struct ownkey_kms *kms, const char *operation,
              struct ownkey_localkms_file *file, struct ownkey_error *err)
{
    enum ownkey_status st = begin(kms, operation, file, err);

    if (st == OWNKEY_OK && !file->enabled)
        st = ownkey_fail(err, OWNKEY_DISABLED,
                         "%s: the key is disabled; `ownkey localkms enable` "
                         "gives it back",
                         localkms_of(kms)->path);
    return st;
}

enum ownkey_status
ownkey_localkms_begin_use(struct ownkey_kms *kms, const char *operation,
                          struct ownkey_localkms_file *file,
                          struct ownkey_error *err)
{
    enum ownkey_status st = begin_enabled(kms, operation, file, err);

    if (st == OWNKEY_OK && file->type != kms->type)
        st = ownkey_fail(err, OWNKEY_CONFIG,
                         "%s: its key is of type %s, but the configuration "
                         "takes it for %s; set public_key to its public part "
                         "if it has one, remove public_key if not; type names "
                         "what has none",
                         localkms_of(kms)->path,
                         ownkey_key_type_info(file->type)->name,
                         ownkey_key_type_info(kms->type)->name);
    return st;
}

enum ownkey_status
ownkey_localkms_load_pkey(struct ownkey_kms *kms,
                          const struct ownkey_localkms_file *file,
                          EVP_PKEY **pkey, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (ownkey_localkms_key_len(file->type) != 0)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "%s: a key of type %s has no public part",
                           localkms_of(kms)->path,
                           ownkey_key_type_info(file->type)->name);
    st = ownkey_localkms_pkey_load(file, pkey, err);
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "%s", localkms_of(kms)->path);
    return st;
}

static enum ownkey_key_family
family_of(const struct ownkey_localkms_file *file)
{
    return ownkey_key_type_info(file->type)->family;
}

/* ---- describe and public_key -------------------------------------------- */

static enum ownkey_status
localkms_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                  struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    enum ownkey_status st = begin(kms, "describe\n", &file, err);

    if (st == OWNKEY_OK) {
        enum ownkey_key_family family = family_of(&file);

        *info = (struct ownkey_key_info){
            .type = file.type,
            .state = file.enabled ? OWNKEY_KEY_ENABLED : OWNKEY_KEY_DISABLED,
            .can_wrap =
                family == OWNKEY_FAMILY_AES || family == OWNKEY_FAMILY_RSA,
            .can_sign = family != OWNKEY_FAMILY_AES &&
                        family != OWNKEY_FAMILY_HMAC,
            .can_mac = family == OWNKEY_FAMILY_HMAC,
            .can_derive = family == OWNKEY_FAMILY_EC,
        };
        memcpy(info->id, file.uuid, sizeof(file.uuid));
        (void)snprintf(info->version, sizeof(info->version), "%" PRIu32,
                       file.current);
    }
    ownkey_localkms_file_clear(&file);
    return st;
}

static enum ownkey_status
localkms_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                    struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st = begin_enabled(kms, "public_key\n", &file, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_load_pkey(kms, &file, &pkey, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_pkey_spki(pkey, spki, err);
    EVP_PKEY_free(pkey);
    ownkey_localkms_file_clear(&file);
    return st;
}

/* ---- wrap, generate, unwrap --------------------------------------------- */

static enum ownkey_status
check_can_wrap(struct ownkey_kms *kms, const struct ownkey_localkms_file *file,
               struct ownkey_error *err)
{
    if (family_of(file) == OWNKEY_FAMILY_AES ||
        family_of(file) == OWNKEY_FAMILY_RSA)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                       "%s: a key of type %s cannot wrap or unwrap",
                       localkms_of(kms)->path,
                       ownkey_key_type_info(file->type)->name);
}

static enum ownkey_status
check_length(size_t len, struct ownkey_error *err)
{
    if (len >= 1 && len <= OWNKEY_KMS_PLAIN_MAX)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_ARG,
                       "%zu bytes cannot be wrapped: 1 to %d can", len,
                       OWNKEY_KMS_PLAIN_MAX);
}

static enum ownkey_status
wrap_with(struct ownkey_kms *kms, const struct ownkey_localkms_file *file,
          const struct ownkey_secret *plain,
          const struct ownkey_context *context,
          struct ownkey_wrap_reply *reply, struct ownkey_error *err)
{
    struct ownkey_bytes ciphertext = { 0 };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st = check_can_wrap(kms, file, err);

    if (st == OWNKEY_OK && family_of(file) == OWNKEY_FAMILY_AES) {
        st = ownkey_localkms_aes_wrap(file, plain, context, &ciphertext, err);
    } else if (st == OWNKEY_OK) {
        st = ownkey_localkms_load_pkey(kms, file, &pkey, err);
        if (st == OWNKEY_OK)
            st = ownkey_localkms_pkey_wrap(pkey, plain, &ciphertext, err);
        EVP_PKEY_free(pkey);
    }
    if (st != OWNKEY_OK)
        return st;
    ownkey_wrap_reply_clear(reply);
    memcpy(reply->id, file->uuid, sizeof(file->uuid));
    (void)snprintf(reply->version, sizeof(reply->version), "%" PRIu32,
                   file->current);
    reply->ciphertext = ciphertext;
    return OWNKEY_OK;
}

static enum ownkey_status
localkms_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
              const struct ownkey_context *context,
              struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
              struct ownkey_error *err)
{
    uint64_t sent = ownkey_clock_boot_ms(kms->clock);
    struct ownkey_localkms_file file = { 0 };
    enum ownkey_status st = check_length(plain->len, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_begin_use(kms, "wrap\n", &file, err);
    if (st == OWNKEY_OK)
        st = wrap_with(kms, &file, plain, context, reply, err);
    if (st == OWNKEY_OK)
        *sent_ms = sent;
    ownkey_localkms_file_clear(&file);
    return st;
}

static enum ownkey_status
localkms_generate(struct ownkey_kms *kms, size_t len,
                  const struct ownkey_context *context,
                  struct ownkey_secret *plain, struct ownkey_wrap_reply *reply,
                  uint64_t *sent_ms, struct ownkey_error *err)
{
    uint64_t sent = ownkey_clock_boot_ms(kms->clock);
    struct ownkey_localkms_file file = { 0 };
    struct ownkey_secret made = { 0 };
    enum ownkey_status st = check_length(len, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_begin_use(kms, "generate\n", &file, err);
    if (st == OWNKEY_OK && ownkey_secret_random(&made, len) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM,
                         "no secure memory left for a new key");
    if (st == OWNKEY_OK)
        st = wrap_with(kms, &file, &made, context, reply, err);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(plain, &made);
        *sent_ms = sent;
    }
    ownkey_secret_clear(&made);
    ownkey_localkms_file_clear(&file);
    return st;
}

static enum ownkey_status
check_id(struct ownkey_kms *kms, const struct ownkey_localkms_file *file,
         const char *id, struct ownkey_error *err)
{
    if (strcmp(id, file->uuid) == 0)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_DAMAGED,
                       "%s: it holds key %s, but this was wrapped by key %.64s",
                       localkms_of(kms)->path, file->uuid, id);
}

/* What the wrap said must be what the ciphertext, and so the tag, says. */
static enum ownkey_status
check_version(uint32_t number, const char *version, struct ownkey_error *err)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%" PRIu32, number);
    if (strcmp(text, version) == 0)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_DAMAGED,
                       "the ciphertext is of version %s of the key, not of "
                       "version %.64s",
                       text, version);
}

static enum ownkey_status
unwrap_rsa(struct ownkey_kms *kms, const struct ownkey_localkms_file *file,
           struct ownkey_blob ciphertext, struct ownkey_secret *plain,
           struct ownkey_error *err)
{
    struct ownkey_decrypt_request request = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
        .ciphertext = ciphertext,
    };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st = ownkey_localkms_load_pkey(kms, file, &pkey, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_pkey_decrypt(pkey, &request, plain, err);
    EVP_PKEY_free(pkey);
    return st;
}

static enum ownkey_status
unwrap_with(struct ownkey_kms *kms, const struct ownkey_localkms_file *file,
            const struct ownkey_unwrap_request *request,
            struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_secret out = { 0 };
    uint32_t number = file->current;
    enum ownkey_status st;

    if (family_of(file) == OWNKEY_FAMILY_AES)
        st = ownkey_localkms_aes_unwrap(file, request->ciphertext,
                                        request->context, &out, &number, err);
    else
        st = unwrap_rsa(kms, file, request->ciphertext, &out, err);
    if (st == OWNKEY_OK)
        st = check_version(number, request->version, err);
    if (st == OWNKEY_OK && out.len == 0)
        st = ownkey_fail(err, OWNKEY_DAMAGED, "the ciphertext is of nothing");
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &out);
    ownkey_secret_clear(&out);
    return st;
}

static enum ownkey_status
localkms_unwrap(struct ownkey_kms *kms,
                const struct ownkey_unwrap_request *request,
                struct ownkey_secret *plain, uint64_t *sent_ms,
                struct ownkey_error *err)
{
    uint64_t sent = ownkey_clock_boot_ms(kms->clock);
    struct ownkey_localkms_file file = { 0 };
    enum ownkey_status st =
        ownkey_localkms_begin_use(kms, "unwrap\n", &file, err);

    if (st == OWNKEY_OK)
        st = check_can_wrap(kms, &file, err);
    if (st == OWNKEY_OK)
        st = check_id(kms, &file, request->id, err);
    if (st == OWNKEY_OK)
        st = unwrap_with(kms, &file, request, plain, err);
    if (st == OWNKEY_OK)
        *sent_ms = sent;
    ownkey_localkms_file_clear(&file);
    return st;
}

static enum ownkey_status
open_for_rewrap(struct ownkey_kms *kms,
                const struct ownkey_unwrap_request *request,
                struct ownkey_localkms_file *file, struct ownkey_secret *plain,
                struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_localkms_begin_use(kms, "rewrap\n", file, err);

    if (st == OWNKEY_OK)
        st = check_can_wrap(kms, file, err);
    if (st == OWNKEY_OK)
        st = check_id(kms, file, request->id, err);
    return st == OWNKEY_OK ? unwrap_with(kms, file, request, plain, err) : st;
}

/* The plaintext stays below this function, as it would in a service. */
static enum ownkey_status
localkms_rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
                const struct ownkey_unwrap_request *request,
                struct ownkey_wrap_reply *reply, struct ownkey_error *err)
{
    bool same = strcmp(localkms_of(to)->path, localkms_of(from)->path) == 0;
    struct ownkey_localkms_file source = { 0 };
    struct ownkey_localkms_file target = { 0 };
    struct ownkey_secret plain = { 0 };
    enum ownkey_status st =
        open_for_rewrap(from, request, &source, &plain, err);

    if (st == OWNKEY_OK && !same)
        st = ownkey_localkms_begin_use(to, "rewrap\n", &target, err);
    if (st == OWNKEY_OK)
        st = wrap_with(to, same ? &source : &target, &plain, request->context,
                       reply, err);
    ownkey_secret_clear(&plain);
    ownkey_localkms_file_clear(&target);
    ownkey_localkms_file_clear(&source);
    return st;
}

/* ---- open and free ------------------------------------------------------ */

static void
localkms_free(struct ownkey_kms *kms)
{
    struct localkms *local = localkms_of(kms);

    free(local->calls);
    free(local->base.uri);
    free(local);
}

/* Whatever the type allows: no can_sign and can_decrypt of its own. */
static const struct ownkey_kms_ops localkms_ops = {
    .scheme = SCHEME,
    .describe = localkms_describe,
    .public_key = localkms_public_key,
    .wrap = localkms_wrap,
    .generate = localkms_generate,
    .unwrap = localkms_unwrap,
    .rewrap = localkms_rewrap,
    .sign = ownkey_localkms_do_sign,
    .decrypt = ownkey_localkms_do_decrypt,
    .mac = ownkey_localkms_do_mac,
    .derive = ownkey_localkms_do_derive,
    .free = localkms_free,
};

static enum ownkey_status
check_uri(const char *uri, struct ownkey_error *err)
{
    size_t start = sizeof(uri_start) - 1;

    if (strncmp(uri, uri_start, start) != 0 || uri[start] != '/' ||
        uri[start + 1] == '\0')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" is not localkms:///ABSOLUTE/PATH", uri);
    if (strlen(uri + start) >= PATH_MAX)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the path of a localkms URI is too long");
    return OWNKEY_OK;
}

/* For what goes over a network; of a token they reach all of its keys. */
static bool
is_for_networks(const char *name)
{
    return strcmp(name, "ca_file") == 0 || strcmp(name, "timeout") == 0 ||
           strcmp(name, "connect_timeout") == 0;
}

static enum ownkey_status
read_options(const struct ownkey_options *options, uint64_t *delay_ms,
             struct ownkey_error *err)
{
    static const struct ownkey_options none;

    if (options == NULL)
        options = &none;
    for (size_t i = 0; i < options->len; i++) {
        const struct ownkey_option *o = &options->items[i];

        if (strcmp(o->name, delay_option) != 0 && !is_for_networks(o->name))
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "%s: %s means nothing to localkms, which knows "
                               "%s",
                               o->where, o->name, delay_option);
    }
    return ownkey_options_duration(options, delay_option, 0, 0, DELAY_MAX_MS,
                                   delay_ms, err);
}

static enum ownkey_status
localkms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
              struct ownkey_error *err)
{
    uint64_t delay_ms;
    struct localkms *local;
    size_t calls_size;
    enum ownkey_status st = check_uri(config->uri, err);

    if (st == OWNKEY_OK)
        st = read_options(config->options, &delay_ms, err);
    if (st != OWNKEY_OK)
        return st;
    local = calloc(1, sizeof(*local));
    if (local == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    calls_size = strlen(config->uri) + sizeof(".calls");
    local->base.ops = &localkms_ops;
    local->base.type = config->type;
    local->base.clock = config->clock;
    local->base.uri = strdup(config->uri);
    local->calls = malloc(calls_size);
    local->delay_ms = delay_ms;
    if (local->base.uri == NULL || local->calls == NULL) {
        localkms_free(&local->base);
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    }
    local->path = local->base.uri + sizeof(uri_start) - 1;
    (void)snprintf(local->calls, calls_size, "%s.calls", local->path);
    *kms = &local->base;
    return OWNKEY_OK;
}

const struct ownkey_kms_driver ownkey_localkms_driver = {
    .scheme = SCHEME,
    .level = "local key file (level 0, for trying out)",
    .open = localkms_open,
};
