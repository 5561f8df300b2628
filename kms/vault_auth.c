/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_auth_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/fork.h"
#include "base/log.h"
#include "kms/secret_file.h"
#include "kms/vault_call.h"
#include "kms/vault_request.h"

enum {
    FIRST_LIFE_MS = 60000,   /* of a given token, before it is looked up */
    FILE_LIFE_MS = 300000,   /* a file is read again after this, at most */
    LOGIN_PAUSE_MS = 30000,  /* at most, between logins that are refused */
};

static const uint64_t NEVER = UINT64_MAX;

/* ---- the value of the credential: time of the login, token ------------- */

static enum ownkey_status
pack(const struct ownkey_vault_auth *a, struct ownkey_secret *value,
     struct ownkey_error *err)
{
    struct ownkey_secret v = { 0 };

    if (ownkey_secret_alloc(&v, sizeof(a->login_ms) + a->current.len) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    memcpy(v.data, &a->login_ms, sizeof(a->login_ms));
    if (a->current.len > 0)
        memcpy(v.data + sizeof(a->login_ms), a->current.data, a->current.len);
    v.len = sizeof(a->login_ms) + a->current.len;
    ownkey_secret_move(value, &v);
    return OWNKEY_OK;
}

static enum ownkey_status
unpack(const struct ownkey_secret *value, struct ownkey_secret *token,
       uint64_t *login_ms, struct ownkey_error *err)
{
    size_t len = value->len - sizeof(*login_ms);
    struct ownkey_secret t = { 0 };

    memcpy(login_ms, value->data, sizeof(*login_ms));
    if (ownkey_secret_alloc(&t, len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    memcpy(t.data, value->data + sizeof(*login_ms), len);
    t.len = len;
    ownkey_secret_move(token, &t);
    return OWNKEY_OK;
}

/* ---- asking about a token ---------------------------------------------- */

static enum ownkey_status
ask(struct ownkey_vault_auth *a, const char *operation, const char *path,
    const struct ownkey_secret *body, uint64_t limit_ms,
    struct ownkey_rest_result *result, struct ownkey_vault_meaning *meaning,
    struct ownkey_error *err)
{
    const struct ownkey_vault_plain_request request = {
        .config = a->config,
        .clock = a->clock,
        .operation = operation,
        .asked = OWNKEY_VAULT_TOKEN,
        .path = path,
        .body = body,
        .token = &a->current,
        .limit_ms = limit_ms,
    };

    return ownkey_vault_call_plain(&request, result, meaning, err);
}

/* A renewal of the current token. *meaning: of a refusal. */
static enum ownkey_status
renew(struct ownkey_vault_auth *a, uint64_t limit_ms,
      struct ownkey_vault_grant *grant, struct ownkey_vault_meaning *meaning,
      struct ownkey_error *err)
{
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st = ownkey_vault_body_fields(NULL, 0, &body);

    if (st == OWNKEY_OK)
        st = ask(a, "renew-self", "auth/token/renew-self", &body, limit_ms,
                 &result, meaning, err);
    else
        (void)ownkey_fail(err, st, "no memory for a request");
    if (st == OWNKEY_OK)
        st = ownkey_vault_reply_grant(ownkey_blob_secret(&result.reply.body),
                                      grant, err);
    ownkey_rest_result_clear(&result);
    ownkey_secret_clear(&body);
    return st;
}

static enum ownkey_status
look_up(struct ownkey_vault_auth *a, uint64_t limit_ms,
        struct ownkey_vault_lookup *lookup,
        struct ownkey_vault_meaning *meaning, struct ownkey_error *err)
{
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st =
        ask(a, "lookup-self", "auth/token/lookup-self", NULL, limit_ms, &result,
            meaning, err);

    if (st == OWNKEY_OK)
        st = ownkey_vault_reply_lookup(ownkey_blob_secret(&result.reply.body),
                                       lookup, err);
    ownkey_rest_result_clear(&result);
    return st;
}

static uint64_t
until(uint64_t now_ms, uint64_t life_s)
{
    return life_s == 0 ? NEVER : now_ms + life_s * 1000;
}

static uint64_t
life_of(const struct ownkey_vault_auth *a, uint64_t now_ms)
{
    if (a->until_ms == NEVER)
        return OWNKEY_CREDENTIAL_FOREVER;
    return a->until_ms > now_ms ? a->until_ms - now_ms : 0;
}

/* ---- tokens that we were given ----------------------------------------- */

enum ownkey_status
ownkey_vault_auth_explain(const struct ownkey_vault_auth *a,
                          struct ownkey_error *err)
{
    static const char *const ways[] = {
        [OWNKEY_VAULT_GIVEN] = "put a new one there",
        [OWNKEY_VAULT_FILE] = "whoever writes that file must put a new one "
                              "there; it is read again each time",
        [OWNKEY_VAULT_HOME] = "log in again: vault login, or bao login",
        [OWNKEY_VAULT_AGENT] = "see the agent's log: its auto-auth must log "
                               "in again",
    };
    const char *way = a->kind <= OWNKEY_VAULT_AGENT
                          ? ways[a->kind]
                          : "a new login follows; check the role's TTL";

    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "%s: Vault does not accept that token: it expired, was "
                       "revoked, or lacks the policy \"default\", by which it "
                       "may look itself up; %s", a->what, way);
}

/* The current token, as the service sees it. */
static enum ownkey_status
find_out(struct ownkey_vault_auth *a, uint64_t limit_ms,
         struct ownkey_error *err)
{
    struct ownkey_vault_meaning meaning = { 0 };
    struct ownkey_vault_lookup lookup = { 0 };
    struct ownkey_vault_grant grant = { 0 };
    uint64_t now_ms = ownkey_clock_boot_ms(a->clock);
    struct ownkey_error why = { 0 };
    enum ownkey_status st = look_up(a, limit_ms, &lookup, &meaning, &why);

    if (st != OWNKEY_OK && meaning.dead_token)
        return ownkey_vault_auth_explain(a, err);
    if (st != OWNKEY_OK) { /* what it is good for, its use will show */
        ownkey_log(OWNKEY_LOG_INFO, "%s could not be looked up: %s", a->what,
                   why.text);
        a->until_ms = now_ms + FIRST_LIFE_MS;
        return OWNKEY_OK;
    }
    if (lookup.uses > 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%s: it ends after %llu more uses; ownkey needs a "
                           "token without num_uses", a->what,
                           (unsigned long long)lookup.uses);
    a->looked_up = true;
    a->renewable = lookup.renewable;
    a->until_ms = until(now_ms, lookup.ttl_s);
    if (!lookup.renewable || lookup.ttl_s == 0 ||
        lookup.ttl_s * 2 > lookup.creation_s)
        return OWNKEY_OK;
    now_ms = ownkey_clock_boot_ms(a->clock);
    st = renew(a, limit_ms, &grant, &meaning, &why);
    if (st == OWNKEY_OK && grant.lease_s > lookup.ttl_s)
        a->until_ms = until(now_ms, grant.lease_s);
    else if (st != OWNKEY_OK)
        ownkey_log(OWNKEY_LOG_WARNING, "%s ends in %llu s and could not be "
                   "renewed: %s", a->what, (unsigned long long)lookup.ttl_s,
                   why.text);
    ownkey_vault_grant_clear(&grant);
    return OWNKEY_OK;
}

static bool
is_current(const struct ownkey_vault_auth *a, const struct ownkey_secret *token)
{
    return a->current.data != NULL && a->current.len == token->len &&
           CRYPTO_memcmp(a->current.data, token->data, token->len) == 0;
}

/* A file is read again now and then, whatever its token's end. */
static uint64_t
given_life(const struct ownkey_vault_auth *a, uint64_t now_ms)
{
    uint64_t life_ms = life_of(a, now_ms);

    if (a->kind != OWNKEY_VAULT_GIVEN && life_ms > FILE_LIFE_MS)
        return FILE_LIFE_MS;
    return life_ms;
}

static enum ownkey_status
fetch_given(struct ownkey_vault_auth *a, struct ownkey_secret *token, bool dead,
            uint64_t limit_ms, uint64_t *life_ms, struct ownkey_error *err)
{
    uint64_t now_ms = ownkey_clock_boot_ms(a->clock);
    enum ownkey_status st = OWNKEY_OK;

    if (!ownkey_vault_token_valid((const char *)token->data))
        return ownkey_fail(err, OWNKEY_CREDENTIALS, "%s: that is no token",
                           a->what);
    if (!is_current(a, token)) {
        ownkey_secret_move(&a->current, token);
        a->looked_up = false;
        a->until_ms = now_ms + FIRST_LIFE_MS;
    } else if (dead || !a->looked_up ||
               a->until_ms < now_ms + 2 * FILE_LIFE_MS) {
        st = find_out(a, limit_ms, err);
    }
    now_ms = ownkey_clock_boot_ms(a->clock);
    *life_ms = given_life(a, now_ms);
    if (st == OWNKEY_OK && *life_ms == 0)
        st = ownkey_vault_auth_explain(a, err);
    return st;
}

static enum ownkey_status
fetch_kept(struct ownkey_vault_auth *a, bool dead, uint64_t limit_ms,
           uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_secret token = { 0 };
    enum ownkey_status st = ownkey_kept_get(a->token, &token);

    if (st == OWNKEY_OK)
        st = fetch_given(a, &token, dead, limit_ms, life_ms, err);
    else
        (void)ownkey_fail(err, st, "no secure memory left");
    ownkey_secret_clear(&token);
    return st;
}

/* No token: the agent adds one, or a file may be there later. */
static enum ownkey_status
fetch_none(struct ownkey_vault_auth *a, uint64_t *life_ms)
{
    ownkey_secret_clear(&a->current);
    *life_ms = FIRST_LIFE_MS;
    return OWNKEY_OK;
}

static enum ownkey_status
fetch_file(struct ownkey_vault_auth *a, bool dead, uint64_t limit_ms,
           uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_secret token = { 0 };
    struct ownkey_error why = { 0 };
    enum ownkey_status st = OWNKEY_CREDENTIALS;

    if (a->file != NULL)
        st = ownkey_secret_file_read_token(a->file, a->what,
                                           OWNKEY_VAULT_TOKEN_MAX, &token,
                                           &why);
    if (st == OWNKEY_CREDENTIALS && a->kind == OWNKEY_VAULT_HOME) {
        if (a->config->agent)
            return fetch_none(a, life_ms);
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "no token for Vault: none in the configuration "
                           "(vault.token_file, vault.auth and others), "
                           "VAULT_TOKEN and BAO_TOKEN are not set, and %s",
                           a->file != NULL ? why.text
                                           : "there is no home directory");
    }
    if (st == OWNKEY_OK)
        st = fetch_given(a, &token, dead, limit_ms, life_ms, err);
    else if (err != NULL)
        *err = why;
    ownkey_secret_clear(&token);
    return st;
}

/* ---- tokens of logins -------------------------------------------------- */

static void
take_grant(struct ownkey_vault_auth *a, struct ownkey_vault_grant *grant,
           uint64_t asked_ms)
{
    ownkey_secret_move(&a->current, &grant->token);
    /* Less than a second, too, is 0 seconds. */
    a->until_ms = grant->lease_s == 0 && grant->renewable
                      ? asked_ms + 1000
                      : until(asked_ms, grant->lease_s);
    a->renewable = grant->renewable;
}

/*
 * true: the current token goes on. A lease that comes out much shorter than
 * the first is near the longest that the token may have: then a new login.
 */
static bool
renew_current(struct ownkey_vault_auth *a, uint64_t limit_ms)
{
    struct ownkey_vault_meaning meaning = { 0 };
    struct ownkey_vault_grant grant = { 0 };
    uint64_t now_ms = ownkey_clock_boot_ms(a->clock);
    struct ownkey_error why = { 0 };
    enum ownkey_status st;
    bool ok;

    if (a->current.len == 0 || !a->renewable || now_ms >= a->until_ms)
        return false;
    st = renew(a, limit_ms, &grant, &meaning, &why);
    ok = st == OWNKEY_OK && grant.lease_s > 0 &&
         grant.lease_s * 2 >= a->first_s;
    if (ok)
        take_grant(a, &grant, now_ms);
    else
        ownkey_log(OWNKEY_LOG_INFO, "%s: a new login, since %s", a->what,
                   st == OWNKEY_OK ? "the token's longest life is near"
                                   : why.text);
    ownkey_vault_grant_clear(&grant);
    return ok;
}

/* Refused ones are counted by servers, and lock us out at last. */
static void
note_failure(struct ownkey_vault_auth *a, enum ownkey_status st,
             const struct ownkey_error *why)
{
    uint64_t pause_ms = OWNKEY_CREDENTIAL_PAUSE_MS;

    if (st != OWNKEY_CREDENTIALS)
        return;
    for (unsigned i = 0; i < a->failures && pause_ms < LOGIN_PAUSE_MS; i++)
        pause_ms *= 2;
    if (pause_ms > LOGIN_PAUSE_MS)
        pause_ms = LOGIN_PAUSE_MS;
    a->failures++;
    a->failure = *why;
    a->pause_ms = ownkey_clock_boot_ms(a->clock) + pause_ms;
}

static enum ownkey_status
log_in(struct ownkey_vault_auth *a, uint64_t limit_ms, struct ownkey_error *err)
{
    struct ownkey_vault_grant grant = { 0 };
    uint64_t now_ms = ownkey_clock_boot_ms(a->clock);
    struct ownkey_error why = { 0 };
    enum ownkey_status st;

    if (a->failures > 0 && now_ms < a->pause_ms) {
        if (err != NULL)
            *err = a->failure;
        return a->failure.status;
    }
    st = ownkey_vault_login(a, limit_ms, &grant, &why);
    if (st == OWNKEY_OK) {
        take_grant(a, &grant, now_ms);
        a->login_ms = now_ms > 0 ? now_ms : 1;
        a->first_s = grant.lease_s;
        a->failures = 0;
    } else {
        ownkey_error_prefix(&why, "%.150s", a->what);
        note_failure(a, st, &why);
        if (err != NULL)
            *err = why;
    }
    ownkey_vault_grant_clear(&grant);
    return st;
}

static enum ownkey_status
fetch_login(struct ownkey_vault_auth *a, bool dead, uint64_t limit_ms,
            uint64_t *life_ms, struct ownkey_error *err)
{
    uint64_t start = ownkey_clock_boot_ms(a->clock), now_ms, left;
    enum ownkey_status st = OWNKEY_OK;

    if (dead)
        ownkey_secret_clear(&a->current);
    if (!renew_current(a, limit_ms)) {
        left = ownkey_clock_boot_ms(a->clock) - start;
        left = left < limit_ms ? limit_ms - left : 1;
        st = log_in(a, left, err);
    }
    now_ms = ownkey_clock_boot_ms(a->clock);
    *life_ms = life_of(a, now_ms);
    return st;
}

/* ---- fetching ---------------------------------------------------------- */

/* In a child what the parent knew is wiped. */
static void
forget_after_fork(struct ownkey_vault_auth *a)
{
    uint64_t generation = ownkey_fork_generation();

    if (a->generation == generation)
        return;
    a->generation = generation;
    ownkey_secret_clear(&a->current);
    a->login_ms = 0;
    a->failures = 0;
    atomic_store(&a->dead, false);
}

static enum ownkey_status
fetch(void *arg, uint64_t limit_ms, struct ownkey_secret *value,
      uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_vault_auth *a = arg;
    enum ownkey_status st;
    bool dead;

    forget_after_fork(a);
    dead = atomic_exchange(&a->dead, false);
    switch (a->kind) {
    case OWNKEY_VAULT_GIVEN:
        st = fetch_kept(a, dead, limit_ms, life_ms, err);
        break;
    case OWNKEY_VAULT_FILE:
    case OWNKEY_VAULT_HOME:
        st = fetch_file(a, dead, limit_ms, life_ms, err);
        break;
    case OWNKEY_VAULT_AGENT:
        st = fetch_none(a, life_ms);
        break;
    default:
        st = fetch_login(a, dead, limit_ms, life_ms, err);
        break;
    }
    return st == OWNKEY_OK ? pack(a, value, err) : st;
}

/* ---- the source -------------------------------------------------------- */

enum ownkey_status
ownkey_vault_auth_open(const struct ownkey_vault_auth_config *config,
                       struct ownkey_vault_auth **auth,
                       struct ownkey_error *err)
{
    struct ownkey_vault_auth *a = calloc(1, sizeof(*a));
    enum ownkey_status st;

    if (a == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    a->config = config->config;
    a->clock = config->clock;
    a->generation = ownkey_fork_generation();
    st = ownkey_vault_choose(a, config, err);
    if (st == OWNKEY_OK)
        st = ownkey_credential_new(fetch, a, a->clock, &a->credential, err);
    if (st != OWNKEY_OK) {
        ownkey_vault_auth_free(a);
        return st;
    }
    *auth = a;
    return OWNKEY_OK;
}

void
ownkey_vault_auth_free(struct ownkey_vault_auth *auth)
{
    if (auth == NULL)
        return;
    ownkey_credential_free(auth->credential);
    ownkey_secret_clear(&auth->current);
    ownkey_kept_free(auth->unwrapped);
    ownkey_vault_choose_clear(auth);
    free(auth);
}

enum ownkey_status
ownkey_vault_auth_token(struct ownkey_vault_auth *auth, uint64_t limit_ms,
                        struct ownkey_secret *token, uint64_t *serial,
                        uint64_t *login_ms, struct ownkey_error *err)
{
    struct ownkey_secret value = { 0 };
    enum ownkey_status st = ownkey_credential_get(auth->credential, limit_ms,
                                                  &value, serial, err);

    if (st == OWNKEY_OK)
        st = unpack(&value, token, login_ms, err);
    ownkey_secret_clear(&value);
    return st;
}

bool
ownkey_vault_auth_refused(struct ownkey_vault_auth *auth, uint64_t serial)
{
    /* There is no other, and this one may be known again later. */
    if (auth->kind == OWNKEY_VAULT_GIVEN || auth->kind == OWNKEY_VAULT_AGENT)
        return false;
    if (auth->kind == OWNKEY_VAULT_HOME && auth->file == NULL)
        return false;
    if (!ownkey_credential_refused(auth->credential, serial))
        return false;
    atomic_store(&auth->dead, true);
    return true;
}
