/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_sso_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/libctx.h"
#include "kms/aws_document.h"
#include "kms/json.h"

enum { SHA1_LEN = 20, LIFE_MAX_S = 90 * 24 * 3600 };

enum ownkey_status
ownkey_aws_sso_token_path(const char *home, const char *name, char **path)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    uint8_t digest[SHA1_LEN];
    char hex[2 * SHA1_LEN + 1];
    bool ok;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    ok = ctx != NULL && EVP_Q_digest(ctx, "SHA1", NULL, name, strlen(name),
                                     digest, NULL);
    (void)ERR_pop_to_mark();
    if (!ok)
        return OWNKEY_NOMEM;
    ownkey_hex_encode(digest, sizeof(digest), hex);
    return asprintf(path, "%s/.aws/sso/cache/%s.json", home, hex) < 0
               ? OWNKEY_NOMEM
               : OWNKEY_OK;
}

/* ---- reading ----------------------------------------------------------- */

static bool
is_token(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static enum ownkey_status
get_text(const cJSON *json, const char *name, const char **value,
         struct ownkey_error *err)
{
    if (ownkey_json_text(json, name, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "%s is not one string", name);
    return OWNKEY_OK;
}

/* 0 when it is not there. */
static enum ownkey_status
get_time(const cJSON *json, const char *name, int64_t *time_s,
         struct ownkey_error *err)
{
    const char *text = NULL;

    *time_s = 0;
    if (ownkey_json_text(json, name, &text) != OWNKEY_OK ||
        (text != NULL && ownkey_aws_time_parse(text, time_s) != OWNKEY_OK))
        return ownkey_fail(err, OWNKEY_PROTOCOL, "%s is no time", name);
    return OWNKEY_OK;
}

/* From the document, which stays the owner. */
static enum ownkey_status
find_parts(struct ownkey_aws_sso_token *t, struct ownkey_error *err)
{
    const cJSON *json = t->document;
    enum ownkey_status st = get_text(json, "accessToken", &t->access_token,
                                     err);

    if (st == OWNKEY_OK)
        st = get_time(json, "expiresAt", &t->expires_s, err);
    if (st == OWNKEY_OK)
        st = get_text(json, "refreshToken", &t->refresh_token, err);
    if (st == OWNKEY_OK)
        st = get_text(json, "clientId", &t->client_id, err);
    if (st == OWNKEY_OK)
        st = get_text(json, "clientSecret", &t->client_secret, err);
    if (st == OWNKEY_OK)
        st = get_time(json, "registrationExpiresAt",
                      &t->registration_expires_s, err);
    if (st == OWNKEY_OK && (!is_token(t->access_token) || t->expires_s == 0))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "there is no accessToken with its expiresAt");
    return st;
}

enum ownkey_status
ownkey_aws_sso_token_parse(struct ownkey_blob text,
                           struct ownkey_aws_sso_token *token,
                           struct ownkey_error *err)
{
    struct ownkey_aws_sso_token t = { 0 };
    enum ownkey_status st = ownkey_json_parse(text, &t.document);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "it is not one JSON object");
    st = find_parts(&t, err);
    if (st != OWNKEY_OK) {
        ownkey_aws_sso_token_clear(&t);
        return st;
    }
    ownkey_aws_sso_token_clear(token);
    *token = t;
    return OWNKEY_OK;
}

void
ownkey_aws_sso_token_clear(struct ownkey_aws_sso_token *token)
{
    ownkey_json_free(token->document);
    *token = (struct ownkey_aws_sso_token){ 0 };
}

/* ---- a new one --------------------------------------------------------- */

bool
ownkey_aws_sso_token_renewable(const struct ownkey_aws_sso_token *token,
                               int64_t now_s)
{
    return token->refresh_token != NULL && token->client_id != NULL &&
           token->client_secret != NULL &&
           token->registration_expires_s > now_s;
}

enum ownkey_status
ownkey_aws_sso_token_request(const struct ownkey_aws_sso_token *token,
                             struct ownkey_secret *body)
{
    const char *const members[][2] = {
        { "grantType", "refresh_token" },
        { "clientId", token->client_id },
        { "clientSecret", token->client_secret },
        { "refreshToken", token->refresh_token },
    };
    cJSON *json = cJSON_CreateObject();
    bool ok = json != NULL;
    enum ownkey_status st = OWNKEY_NOMEM;

    for (size_t i = 0; i < 4 && ok; i++)
        ok = ownkey_json_add_text(json, members[i][0], members[i][1]);
    if (ok)
        st = ownkey_json_print(json, body);
    ownkey_json_free(json);
    return st;
}

/* Replaces a member, or adds it; what was there is wiped. */
static bool
put_text(cJSON *object, const char *name, const char *value)
{
    cJSON *text = cJSON_CreateString(value);

    if (text == NULL)
        return false;
    ownkey_json_free(cJSON_DetachItemFromObjectCaseSensitive(object, name));
    if (cJSON_AddItemToObject(object, name, text))
        return true;
    ownkey_json_free(text);
    return false;
}

static enum ownkey_status
take_reply(struct ownkey_aws_sso_token *t, const cJSON *json, int64_t now_s,
           struct ownkey_error *err)
{
    const char *access = NULL, *refresh = NULL;
    double life_s = 0;
    char when[21];

    if (ownkey_json_text(json, "accessToken", &access) != OWNKEY_OK ||
        ownkey_json_text(json, "refreshToken", &refresh) != OWNKEY_OK ||
        ownkey_json_number(json, "expiresIn", &life_s) != OWNKEY_OK ||
        !is_token(access) || (refresh != NULL && !is_token(refresh)) ||
        life_s < 1 || life_s > LIFE_MAX_S)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply has no accessToken with its expiresIn");
    (void)ownkey_time_iso(now_s + (int64_t)life_s, when);
    if (!put_text(t->document, "accessToken", access) ||
        !put_text(t->document, "expiresAt", when) ||
        (refresh != NULL && !put_text(t->document, "refreshToken", refresh)))
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_sso_token_renew(struct ownkey_aws_sso_token *token,
                           struct ownkey_blob reply, int64_t now_s,
                           struct ownkey_error *err)
{
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_json_parse(reply, &json);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "the reply is not one JSON object");
    st = take_reply(token, json, now_s, err);
    ownkey_json_free(json);
    if (st == OWNKEY_OK)
        st = find_parts(token, err);
    return st;
}

/* ---- writing ----------------------------------------------------------- */

static bool
write_all(int fd, const struct ownkey_secret *text)
{
    size_t done = 0;

    while (done < text->len) {
        ssize_t n = write(fd, text->data + done, text->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return fsync(fd) == 0;
}

/* Beside it, then in its place. */
static enum ownkey_status
replace_file(const char *path, const struct ownkey_secret *text,
             struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;
    char *beside = NULL;
    int fd;

    if (asprintf(&beside, "%s.XXXXXX", path) < 0)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0 || !write_all(fd, text) || rename(beside, path) != 0) {
        st = ownkey_fail(err, OWNKEY_IO, "%.300s: %s", path, strerror(errno));
        if (fd >= 0)
            (void)unlink(beside);
    }
    if (fd >= 0)
        (void)close(fd);
    free(beside);
    return st;
}

enum ownkey_status
ownkey_aws_sso_token_save(const struct ownkey_aws_sso_token *token,
                          const char *path, struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    enum ownkey_status st = ownkey_json_print(token->document, &text);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory left");
    st = replace_file(path, &text, err);
    ownkey_secret_clear(&text);
    return st;
}
