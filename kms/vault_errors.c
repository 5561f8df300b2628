/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/vault_errors.h"

#include <stdio.h>
#include <string.h>

#include "kms/json.h"

enum { ANY = 0 };

/*
 * By status (ANY: whatever it is, since signing wraps the caller's mistakes in
 * a 500) and a part of the text (NULL: none is needed). The first that fits.
 */
static const struct {
    int http_status;
    const char *text;
    struct ownkey_vault_meaning meaning;
} errors[] = {
    /* The customer's answer. */
    { ANY, "key not found",
      { OWNKEY_GONE, .hint = "no such key below this mount and namespace" } },
    { ANY, "soft-deleted key",
      { OWNKEY_DISABLED, .hint = "the key's owner soft-deleted it; "
                                 "soft-delete-restore brings it back" } },
    { ANY, "disallowed by policy (too old)",
      { OWNKEY_DISABLED, .hint = "the key's owner retired that version by "
                                 "min_decryption_version" } },
    { ANY, "is less than the minimum encryption key version",
      { OWNKEY_DISABLED, .hint = "the key's owner retired that version by "
                                 "min_encryption_version; see "
                                 "vault.key_version" } },

    /* Our token. */
    { 403, "invalid token", { OWNKEY_CREDENTIALS, .dead_token = true } },
    { 403, "bad token", { OWNKEY_CREDENTIALS, .dead_token = true } },
    { ANY, "missing client token", { OWNKEY_CREDENTIALS, .dead_token = true } },
    { 403, "permission denied", { OWNKEY_DENIED, .maybe_dead = true } },

    /* A thing that was damaged, or never meant for this key. */
    { ANY, "message authentication failed",
      { OWNKEY_DAMAGED, .hint = "damaged, wrapped by another key, or under "
                                "another context" } },
    { ANY, "invalid ciphertext", { OWNKEY_DAMAGED } },
    { ANY, "failed to RSA decrypt",
      { OWNKEY_DAMAGED, .hint = "damaged, or encrypted for another key or "
                                "version" } },

    /* We asked for the wrong thing. */
    { 404, "no handler for route",
      { OWNKEY_CONFIG, .hint = "nothing is mounted there: check vault.mount, "
                               "vault.namespace and vault.address" } },
    { 404, "namespace not found",
      { OWNKEY_CONFIG, .hint = "check vault.namespace" } },
    { 404, "unsupported path",
      { OWNKEY_CONFIG, .hint = "that is no transit engine: check vault.mount "
                               "and vault.namespace" } },
    { 405, NULL,
      { OWNKEY_CONFIG, .hint = "that is no transit engine: check vault.mount "
                               "and vault.namespace" } },
    { ANY, "missing 'context'",
      { OWNKEY_CONFIG, .hint = "the key is derived: vault.check_key = yes "
                               "finds that out; it cannot be a remote key" } },
    { ANY, "for non-AEAD cipher suite",
      { OWNKEY_CONFIG, .hint = "the key is not symmetric: set public_key, or "
                               "vault.check_key = yes" } },
    { ANY, "does not support signing",
      { OWNKEY_UNSUPPORTED, .hint = "not a key of that kind" } },
    { ANY, "not supported for key type",
      { OWNKEY_UNSUPPORTED, .hint = "not a key of that kind" } },
    { ANY, "is higher than the latest key version",
      { OWNKEY_CONFIG, .hint = "check vault.key_version" } },
    { 413, NULL, { OWNKEY_UNSUPPORTED, .hint = "larger than the server "
                                               "takes" } },

    /* Not now. */
    { 503, "sealed",
      { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
        .hint = "its operators must unseal it" } },
    { 503, "locked by an administrator",
      { OWNKEY_UNREACHABLE, .hint = "the namespace must be unlocked" } },
    { 503, NULL, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 429, NULL,
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
        .hint = "raise the rate limit quota of that path, or the cache "
                "time" } },
    { 412, NULL, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 472, NULL,
      { OWNKEY_UNREACHABLE, .hint = "a disaster recovery secondary serves no "
                                    "requests: check vault.address" } },
    { 473, NULL, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 501, NULL,
      { OWNKEY_UNREACHABLE, .hint = "it is not initialized" } },
    { 500, NULL, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 502, NULL, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 504, NULL, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 400, NULL, { OWNKEY_CONFIG } },
    { 403, NULL, { OWNKEY_DENIED, .maybe_dead = true } },
};

/* The same words mean something else when a token is asked for. */
static const struct {
    int http_status;
    const char *text;
    struct ownkey_vault_meaning meaning;
} logins[] = {
    { 404, NULL,
      { OWNKEY_CREDENTIALS, .hint = "no such login method: check "
                                    "vault.auth_mount and vault.namespace" } },
    { ANY, "invalid role or secret ID",
      { OWNKEY_CREDENTIALS, .hint = "check vault.role_id; the secret id may "
                                    "be used up, expired or destroyed" } },
    { ANY, "wrapping token",
      { OWNKEY_CREDENTIALS, .hint = "it was used before, perhaps by somebody "
                                    "else, or expired: have a new secret id "
                                    "wrapped, and find out who used this "
                                    "one" } },
    { 400, NULL,
      { OWNKEY_CREDENTIALS, .hint = "check vault.role, and what the role "
                                    "demands" } },
    { 403, NULL,
      { OWNKEY_CREDENTIALS, .hint = "the login method refuses what we showed "
                                    "it" } },
    { 405, NULL,
      { OWNKEY_CREDENTIALS, .hint = "no such login method: check "
                                    "vault.auth_mount and vault.namespace" } },
};

static bool
fits(int status, const char *word, int http_status, const char *text)
{
    return (status == ANY || status == http_status) &&
           (word == NULL || strcasestr(text, word) != NULL);
}

struct ownkey_vault_meaning
ownkey_vault_meaning_of(enum ownkey_vault_asked asked, int http_status,
                        const char *text)
{
    if (asked == OWNKEY_VAULT_LOGIN)
        for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
            if (fits(logins[i].http_status, logins[i].text, http_status, text))
                return logins[i].meaning;
    /* A key that is read and not there: 404 without a word. */
    if (asked == OWNKEY_VAULT_READ && http_status == 404 && text[0] == '\0')
        return ownkey_vault_meaning_of(asked, 400, "encryption key not found");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (fits(errors[i].http_status, errors[i].text, http_status, text))
            return errors[i].meaning;
    if (http_status >= 500 || http_status == 408)
        return (struct ownkey_vault_meaning){ OWNKEY_UNREACHABLE,
                                              OWNKEY_RETRY_LATER };
    return (struct ownkey_vault_meaning){
        OWNKEY_PROTOCOL,
        .hint = "this is no answer of Vault that is known here; check "
                "vault.address and any proxy before it"
    };
}

/* ---- reading ----------------------------------------------------------- */

/* "1 error occurred:\n\t* permission denied\n\n" without what is no word. */
static void
add_text(char *out, size_t size, const char *text)
{
    size_t n = strlen(out);
    bool blank = n == 0;

    if (n > 0 && n + 3 < size) {
        memcpy(out + n, "; ", 3);
        n += 2;
        blank = true;
    }
    for (; *text != '\0' && n + 1 < size; text++) {
        bool white = (unsigned char)*text <= ' ' || *text == 0x7f;

        if (white && blank)
            continue;
        out[n++] = white ? ' ' : *text;
        blank = white;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

bool
ownkey_vault_error_text(struct ownkey_blob body,
                        char text[static OWNKEY_VAULT_TEXT_MAX])
{
    const cJSON *list = NULL;
    cJSON *json = NULL;
    bool ok;

    text[0] = '\0';
    if (ownkey_json_parse(body, &json) != OWNKEY_OK)
        return false;
    ok = ownkey_json_list(json, "errors", &list) == OWNKEY_OK && list != NULL;
    for (const cJSON *e = ok ? list->child : NULL; ok && e != NULL;
         e = e->next) {
        ok = cJSON_IsString(e);
        if (ok)
            add_text(text, OWNKEY_VAULT_TEXT_MAX, e->valuestring);
    }
    if (!ok)
        text[0] = '\0';
    ownkey_json_free(json);
    return ok;
}

/* What a policy has to say, by the path that was asked. */
static const char *
denial_hint(const char *path, enum ownkey_vault_asked asked, char *buf,
            size_t size)
{
    (void)snprintf(buf, size,
                   "a policy of our token must allow \"%s\" on \"%.200s\"",
                   asked == OWNKEY_VAULT_READ ? "read" : "update", path);
    return buf;
}

enum ownkey_status
ownkey_vault_error(const struct ownkey_rest_service *service,
                   enum ownkey_vault_asked asked, const char *path,
                   const struct ownkey_http_reply *reply,
                   struct ownkey_vault_meaning *meaning,
                   struct ownkey_error *err)
{
    char text[OWNKEY_VAULT_TEXT_MAX], hint[288];
    bool ours =
        ownkey_vault_error_text(ownkey_blob_secret(&reply->body), text);

    *meaning = ownkey_vault_meaning_of(asked, reply->status, text);
    /* A page of something in between; its 5xx are still what they say. */
    if (!ours && reply->status < 500 && reply->status != 429 &&
        reply->status != 408)
        *meaning = ownkey_vault_meaning_of(asked, 0, "");
    if (meaning->maybe_dead)
        meaning->hint = denial_hint(path, asked, hint, sizeof(hint));
    (void)ownkey_rest_fail(err, meaning->status, service, reply, "", text,
                           meaning->hint);
    if (meaning->maybe_dead)
        meaning->hint = NULL; /* it was ours */
    return meaning->status;
}
