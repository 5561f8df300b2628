/* SPDX-License-Identifier: Apache-2.0 */
/* Logins: each shows something, and gets a token. */
#include <stdio.h>
#include <string.h>

#include "kms/secret_file.h"
#include "kms/vault_auth_internal.h"
#include "kms/vault_call.h"
#include "kms/vault_request.h"

enum { PROOF_MAX = 16 << 10 }; /* bytes of a JSON Web Token */

static enum ownkey_status
make_body(const struct ownkey_vault_field *fields, size_t count,
          struct ownkey_secret *body, struct ownkey_error *err)
{
    if (ownkey_vault_body_fields(fields, count, body) == OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
}

/* ---- AppRole ----------------------------------------------------------- */

/* The secret id, or the wrapping token that stands for it; may be none. */
static enum ownkey_status
read_secret_id(const struct ownkey_vault_auth *a, struct ownkey_secret *id,
               struct ownkey_error *err)
{
    if (a->secret_id_file != NULL)
        return ownkey_secret_file_read_token(
            a->secret_id_file, "vault.secret_id_file", OWNKEY_VAULT_TOKEN_MAX,
            id, err);
    if (a->secret_id == NULL)
        return OWNKEY_OK;
    if (ownkey_kept_get(a->secret_id, id) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    return OWNKEY_OK;
}

/* Works once: what comes out is kept, also for children. */
static enum ownkey_status
ask_unwrap(struct ownkey_vault_auth *a, const struct ownkey_secret *wrapping,
           uint64_t limit_ms, struct ownkey_secret *id,
           struct ownkey_error *err)
{
    struct ownkey_rest_result result = { 0 };
    struct ownkey_vault_meaning meaning;
    struct ownkey_secret body = { 0 };
    const struct ownkey_vault_plain_request request = {
        .config = a->config,
        .clock = a->clock,
        .operation = "unwrap",
        .asked = OWNKEY_VAULT_LOGIN,
        .path = "sys/wrapping/unwrap",
        .body = &body,
        .token = wrapping,
        .limit_ms = limit_ms,
        .once = true,
    };
    enum ownkey_status st = make_body(NULL, 0, &body, err);

    if (st == OWNKEY_OK)
        st = ownkey_vault_call_plain(&request, &result, &meaning, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_reply_secret_id(
            ownkey_blob_secret(&result.reply.body), id, err);
    ownkey_rest_result_clear(&result);
    ownkey_secret_clear(&body);
    return st;
}

static enum ownkey_status
keep_unwrapped(struct ownkey_vault_auth *a, const uint8_t *digest,
               const struct ownkey_secret *id, struct ownkey_error *err)
{
    struct ownkey_kept *kept = NULL;

    if (ownkey_kept_new(id->data, id->len, &kept) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    ownkey_kept_free(a->unwrapped);
    a->unwrapped = kept;
    memcpy(a->unwrapped_of, digest, OWNKEY_SHA256_LEN);
    return OWNKEY_OK;
}

/* *id: the wrapping token, then the secret id. */
static enum ownkey_status
unwrap_secret_id(struct ownkey_vault_auth *a, uint64_t limit_ms,
                 struct ownkey_secret *id, struct ownkey_error *err)
{
    uint8_t digest[OWNKEY_SHA256_LEN];
    struct ownkey_secret unwrapped = { 0 };
    enum ownkey_status st = ownkey_sha256(ownkey_blob_secret(id), digest);

    if (st == OWNKEY_OK && a->unwrapped != NULL &&
        memcmp(digest, a->unwrapped_of, sizeof(digest)) == 0)
        st = ownkey_kept_get(a->unwrapped, &unwrapped);
    else if (st == OWNKEY_OK) {
        st = ask_unwrap(a, id, limit_ms, &unwrapped, err);
        if (st == OWNKEY_OK)
            st = keep_unwrapped(a, digest, &unwrapped, err);
    }
    if (st == OWNKEY_NOMEM)
        st = ownkey_fail(err, st, "no secure memory left");
    if (st == OWNKEY_OK)
        ownkey_secret_move(id, &unwrapped);
    ownkey_secret_clear(&unwrapped);
    return st;
}

static enum ownkey_status
approle_body(struct ownkey_vault_auth *a, uint64_t limit_ms,
             struct ownkey_secret *body, struct ownkey_error *err)
{
    struct ownkey_secret id = { 0 };
    enum ownkey_status st = read_secret_id(a, &id, err);

    if (st == OWNKEY_OK && a->wrapped)
        st = unwrap_secret_id(a, limit_ms, &id, err);
    if (st == OWNKEY_OK) {
        const struct ownkey_vault_field fields[] = {
            { "role_id", a->role_id },
            { "secret_id", (const char *)id.data },
        };

        st = make_body(fields, 2, body, err);
    }
    ownkey_secret_clear(&id);
    return st;
}

/* ---- the others -------------------------------------------------------- */

static enum ownkey_status
jwt_body(const struct ownkey_vault_auth *a, struct ownkey_secret *body,
         struct ownkey_error *err)
{
    struct ownkey_secret jwt = { 0 };
    enum ownkey_status st = ownkey_secret_file_read_token(
        a->file, "vault.jwt_file", PROOF_MAX, &jwt, err);

    if (st == OWNKEY_OK) {
        const struct ownkey_vault_field fields[] = {
            { "role", a->role },
            { "jwt", (const char *)jwt.data },
        };

        st = make_body(fields, 2, body, err);
    }
    ownkey_secret_clear(&jwt);
    return st;
}

static enum ownkey_status
login_body(struct ownkey_vault_auth *a, uint64_t limit_ms,
           struct ownkey_secret *body, struct ownkey_error *err)
{
    const struct ownkey_vault_field cert[] = { { "name", a->role } };

    switch (a->kind) {
    case OWNKEY_VAULT_APPROLE:
        return approle_body(a, limit_ms, body, err);
    case OWNKEY_VAULT_CERT:
        return make_body(cert, 1, body, err);
    case OWNKEY_VAULT_AWS:
        return ownkey_vault_aws_body(a, limit_ms, body, err);
    default:
        return jwt_body(a, body, err);
    }
}

enum ownkey_status
ownkey_vault_login(struct ownkey_vault_auth *a, uint64_t limit_ms,
                   struct ownkey_vault_grant *grant, struct ownkey_error *err)
{
    uint64_t start = ownkey_clock_boot_ms(a->clock), gone;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_vault_meaning meaning;
    struct ownkey_secret body = { 0 };
    char path[OWNKEY_VAULT_PATH_MAX + 16];
    struct ownkey_vault_plain_request request = {
        .config = a->config,
        .clock = a->clock,
        .operation = "login",
        .asked = OWNKEY_VAULT_LOGIN,
        .path = path,
        .body = &body,
    };
    enum ownkey_status st = login_body(a, limit_ms, &body, err);

    (void)snprintf(path, sizeof(path), "auth/%s/login", a->mount);
    gone = ownkey_clock_boot_ms(a->clock) - start;
    request.limit_ms = gone < limit_ms ? limit_ms - gone : 1;
    if (st == OWNKEY_OK)
        st = ownkey_vault_call_plain(&request, &result, &meaning, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_reply_grant(ownkey_blob_secret(&result.reply.body),
                                      grant, err);
    ownkey_rest_result_clear(&result);
    ownkey_secret_clear(&body);
    return st;
}
