/* SPDX-License-Identifier: Apache-2.0 */
/* Every key tried for real: what `ownkey check` is. */
#include "tool/tool.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "token/datakey.h"
#include "token/wrapped.h"
#include "tool/hint.h"
#include "tool/remote.h"

enum { PROBE_LEN = 32, LINE_MAX_LEN = 1024, STEP_TEXT_LEN = 32 };

/* One key being checked: where its results go. */
struct subject {
    const struct ownkey_tool *tool;
    const char *uri;
    const char *where; /* of its section */
    char service[32];
    const char *indent;
    cJSON *steps;           /* NULL without --json */
    enum ownkey_exit *code; /* of the first failure of all */
    bool good;
};

static void
set_uri(struct subject *s, const char *uri)
{
    s->uri = uri != NULL ? uri : "";
    (void)ownkey_tool_scheme(s->uri, s->service, sizeof(s->service));
}

/* "wrong_context", as JSON has it, for people. Returns buf. */
static const char *
step_text(const char *step, char buf[static STEP_TEXT_LEN])
{
    (void)snprintf(buf, STEP_TEXT_LEN, "%s", step);
    for (char *p = buf; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
    return buf;
}

/* hint: what to do, "" when there is nothing to say. */
static void
failed_with(struct subject *s, const char *step, const struct ownkey_error *err,
            const char *hint)
{
    char line[LINE_MAX_LEN];
    char text[STEP_TEXT_LEN];
    cJSON *o = ownkey_report_append(s->steps);

    s->good = false;
    if (*s->code == OWNKEY_EXIT_DONE)
        *s->code = ownkey_tool_exit(err->status);
    ownkey_report_text(o, "step", step);
    ownkey_report_bool(o, "ok", false);
    ownkey_report_error(o, "error", err);
    ownkey_report_text(o, "hint", hint);
    if (s->tool->json)
        return;
    (void)printf("%s%-14s FAILED  %s\n", s->indent, step_text(step, text),
                 ownkey_error_line(err, line, sizeof(line)));
    if (hint[0] != '\0')
        (void)printf("%s%-14s to do:  %s\n", s->indent, "", hint);
    (void)fflush(stdout);
}

static void
failed(struct subject *s, const char *step, enum ownkey_try what,
       const struct ownkey_error *err)
{
    char hint[512];

    failed_with(s, step, err,
                ownkey_hint(s->service, s->uri, what, err, hint, sizeof(hint)));
}

static void
passed(struct subject *s, const char *step, const char *detail)
{
    char text[STEP_TEXT_LEN];
    cJSON *o = ownkey_report_append(s->steps);

    ownkey_report_text(o, "step", step);
    ownkey_report_bool(o, "ok", true);
    ownkey_report_text(o, "detail", detail);
    if (!s->tool->json)
        (void)printf("%s%-14s ok      %s\n", s->indent, step_text(step, text),
                     detail);
    (void)fflush(stdout); /* the next step may take its time */
}

static bool
settle(struct subject *s, const char *step, enum ownkey_try what,
       enum ownkey_status st, const struct ownkey_error *err,
       const char *detail)
{
    if (st == OWNKEY_OK)
        passed(s, step, detail);
    else
        failed(s, step, what, err);
    return st == OWNKEY_OK;
}

/* ---- describe ---- */

/* A key that is described, but not as one that can be used. */
static enum ownkey_status
check_state(const struct ownkey_key_info *info, struct ownkey_error *err)
{
    switch (info->state) {
    case OWNKEY_KEY_ENABLED:
        return OWNKEY_OK;
    case OWNKEY_KEY_DISABLED:
        return ownkey_fail(err, OWNKEY_DISABLED, "%s is disabled", info->id);
    case OWNKEY_KEY_PENDING_DELETION:
        err->deletion_s = info->deletion_s;
        return ownkey_fail(err, OWNKEY_PENDING_DELETION,
                           "%s is scheduled for deletion", info->id);
    case OWNKEY_KEY_UNAVAILABLE:
        break;
    }
    return ownkey_fail(err, OWNKEY_UNREACHABLE,
                       "%s is not available at the moment", info->id);
}

/* false: no use to go on. */
static bool
describe(struct subject *s, struct ownkey_kms *kms,
         struct ownkey_key_info *info)
{
    struct ownkey_error err = { 0 };
    char detail[OWNKEY_KMS_ID_MAX + 64];
    enum ownkey_status st = ownkey_kms_describe(kms, info, &err);

    if (st == OWNKEY_OK)
        st = check_state(info, &err);
    if (st == OWNKEY_OK)
        (void)snprintf(detail, sizeof(detail), "%s, %s",
                       ownkey_key_type_info(info->type)->name, info->id);
    if (settle(s, "describe", OWNKEY_TRY_DESCRIBE, st, &err, detail))
        return true;
    /* Describing may be forbidden while all else is allowed. */
    return st == OWNKEY_DENIED;
}

static bool
fits(struct subject *s, struct ownkey_token *token, struct ownkey_key *key,
     struct ownkey_blob configured)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_remote_public(token, key, &spki, &err);

    if (st == OWNKEY_OK &&
        !ownkey_blob_equal(ownkey_blob_of(&spki), configured))
        st = ownkey_fail(&err, OWNKEY_CONFIG,
                         "the configured public key or certificate is of "
                         "another key");
    ownkey_bytes_clear(&spki);
    return settle(s, "public_key", OWNKEY_TRY_PUBLIC_KEY, st, &err,
                  "fits the configured one");
}

/* ---- the KEK ---- */

/* A denial makes a token pause before it asks again. */
static void
let_pause_pass(const struct ownkey_error *err)
{
    static const struct timespec pause = { 1, 100 * 1000 * 1000 };

    if (ownkey_status_class(err->status) == OWNKEY_CLASS_DENIED)
        (void)nanosleep(&pause, NULL);
}

static struct ownkey_data_key *
try_wrap(struct subject *s, struct ownkey_token *token,
         const struct ownkey_secret *key)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_data_key_wrap(token, OWNKEY_PURPOSE_DATA_KEY,
                                                 NULL, key, &dk, &err);

    (void)settle(s, "wrap", OWNKEY_TRY_WRAP, st, &err, "32 bytes");
    let_pause_pass(&err);
    return dk;
}

static void
try_generate(struct subject *s, struct ownkey_token *token)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_data_key_generate(
        token, OWNKEY_PURPOSE_DATA_KEY, NULL, PROBE_LEN, &dk, &err);

    (void)settle(s, "generate", OWNKEY_TRY_GENERATE, st, &err, "32 bytes");
    let_pause_pass(&err);
    ownkey_data_key_free(dk);
}

/* Through another set of tokens, which has no lease on the key. */
static void
try_unwrap(struct subject *s, struct ownkey_token *other,
           struct ownkey_blob wrapped, const struct ownkey_secret *key)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_secret back = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st;

    st = ownkey_data_key_open(other, OWNKEY_PURPOSE_DATA_KEY, NULL, wrapped,
                              &dk, &err);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, &back, &lease, &err);
    if (st == OWNKEY_OK && (back.len != key->len ||
                            CRYPTO_memcmp(back.data, key->data, key->len) != 0))
        st = ownkey_fail(&err, OWNKEY_PROTOCOL,
                         "unwrapping gives another key than was wrapped");
    (void)settle(s, "unwrap", OWNKEY_TRY_UNWRAP, st, &err, "the same bytes");
    ownkey_secret_clear(&back);
    ownkey_data_key_free(dk);
}

/* Our header binds the context, whatever the service does. */
static enum ownkey_status
wrong_context_here(struct ownkey_token *token,
                   const struct ownkey_context *wrong,
                   struct ownkey_blob wrapped, struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st = ownkey_data_key_open(token, OWNKEY_PURPOSE_DATA_KEY,
                                                 wrong, wrapped, &dk, err);

    ownkey_data_key_free(dk);
    if (st != OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_DAMAGED,
                       "a wrapped key was taken under a wrong context");
}

/* The service's own binding: the same ciphertext under another context. */
static enum ownkey_status
wrong_context_there(struct ownkey_token *token,
                    const struct ownkey_context *wrong,
                    struct ownkey_blob wrapped, struct ownkey_error *err)
{
    struct ownkey_wrapped header = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error refusal = { 0 };
    uint64_t sent_ms;
    enum ownkey_status st = ownkey_wrapped_decode(wrapped, &header, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_kms_unwrap(
        ownkey_token_kms(token), header.kek, header.kek_version,
        ownkey_blob_of(&header.ciphertext), wrong, &plain, &sent_ms, &refusal);
    ownkey_wrapped_clear(&header);
    ownkey_secret_clear(&plain);
    if (st == OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the service unwrapped under a wrong context");
    /* A policy on the context may refuse before the cipher does. */
    if (st == OWNKEY_DAMAGED || st == OWNKEY_DENIED)
        return OWNKEY_OK;
    *err = refusal;
    return st;
}

static void
try_wrong_context(struct subject *s, struct ownkey_token *token,
                  struct ownkey_blob wrapped)
{
    bool symmetric = ownkey_token_kek_type(token) == OWNKEY_KEY_AES_256;
    struct ownkey_context wrong = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    st = ownkey_context_add(&wrong, "check", "wrong", &err);
    if (st == OWNKEY_OK)
        st = wrong_context_here(token, &wrong, wrapped, &err);
    if (st == OWNKEY_OK && symmetric)
        st = wrong_context_there(token, &wrong, wrapped, &err);
    (void)settle(s, "wrong_context", OWNKEY_TRY_UNWRAP, st, &err,
                 symmetric ? "refused, as it must be"
                           : "refused by the header; RSA itself binds none");
    ownkey_context_clear(&wrong);
}

/* A KEK of another kind than the configuration makes it. */
static bool
check_kek_type(struct subject *s, struct ownkey_token *token,
               const struct ownkey_key_info *info)
{
    struct ownkey_blob public = ownkey_token_kek_public(token);
    struct ownkey_error err = { 0 };

    if (info->type == OWNKEY_KEY_AES_256 && public.len == 0)
        return true;
    if (info->type == OWNKEY_KEY_AES_256)
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "the KEK is symmetric; remove public_key");
    else if (public.len > 0)
        return fits(s, token, NULL, public);
    else
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "the KEK is %s: write its public part with `ownkey "
                          "key public %s > FILE` and add `public_key = FILE`",
                          ownkey_key_type_info(info->type)->name,
                          ownkey_token_name(token));
    failed(s, "kek_type", OWNKEY_TRY_DESCRIBE, &err);
    return false;
}

static void
check_kek(struct subject *s, struct ownkey_token *token,
          struct ownkey_token *other)
{
    struct ownkey_key_info info = { .type = ownkey_token_kek_type(token) };
    struct ownkey_secret key = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_data_key *dk;

    if (!describe(s, ownkey_token_kms(token), &info) ||
        !check_kek_type(s, token, &info))
        return;
    if (ownkey_secret_random(&key, PROBE_LEN) != OWNKEY_OK) {
        (void)ownkey_fail(&err, OWNKEY_NOMEM, "no secure memory");
        failed(s, "wrap", OWNKEY_TRY_WRAP, &err);
        return;
    }
    dk = try_wrap(s, token, &key);
    try_generate(s, token);
    if (dk != NULL) {
        try_unwrap(s, other, ownkey_data_key_wrapped(dk), &key);
        try_wrong_context(s, token, ownkey_data_key_wrapped(dk));
    }
    ownkey_data_key_free(dk);
    ownkey_secret_clear(&key);
}

/* ---- remote keys ---- */

/* A key whose public part is not configured: what to type, what to add. */
static void
tell_public(struct subject *s, struct ownkey_key *key)
{
    const char *token = ownkey_token_name(ownkey_key_token(key));
    const char *name = ownkey_key_name(key);
    char *path = realpath(ownkey_tokens_conf(s->tool->tokens)->path, NULL);
    struct ownkey_error err = { 0 };
    char file[LINE_MAX_LEN];
    char hint[2 * LINE_MAX_LEN + 256];

    (void)snprintf(file, sizeof(file), "%s/%s-%s.pub.pem",
                   path != NULL ? dirname(path) : "", token, name);
    free(path);
    (void)ownkey_fail(&err, OWNKEY_CONFIG,
                      "%s: [%s/%s] has neither certificate nor public_key",
                      s->where, token, name);
    (void)snprintf(hint, sizeof(hint),
                   "ownkey key public %s/%s > %s, then below [%s/%s]: "
                   "public_key = %s",
                   token, name, file, token, name, file);
    failed_with(s, "configuration", &err, hint);
}

static void
check_key(struct subject *s, struct ownkey_key *key)
{
    struct ownkey_key_info info = { .can_sign = true };
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    if (ownkey_key_error(key)->status == OWNKEY_OK)
        passed(s, "configuration", s->uri);
    else if (ownkey_key_kms(key) != NULL && ownkey_key_spki(key).len == 0)
        tell_public(s, key);
    else
        failed(s, "configuration", OWNKEY_TRY_DESCRIBE, ownkey_key_error(key));
    if (ownkey_key_kms(key) == NULL)
        return;
    if (!describe(s, ownkey_key_kms(key), &info) ||
        ownkey_key_error(key)->status != OWNKEY_OK ||
        !fits(s, ownkey_key_token(key), key, ownkey_key_spki(key)))
        return;
    if (info.can_sign) {
        st = ownkey_remote_try_sign(key, &err);
        (void)settle(s, "sign", OWNKEY_TRY_SIGN, st, &err, "verified here");
    } else {
        st = ownkey_remote_try_decrypt(key, &err);
        (void)settle(s, "decrypt", OWNKEY_TRY_DECRYPT, st, &err,
                     "encrypted here");
    }
}

/* ---- all of it ---- */

static void
tell_unused(const struct ownkey_tool *tool, cJSON *object,
            const struct ownkey_options *unused, const char *indent)
{
    cJSON *array;

    if (object == NULL || unused->len == 0) {
        for (size_t i = 0; !tool->json && i < unused->len; i++)
            (void)printf("%snote           %s is checked, but this version "
                         "does not act on it (%s)\n",
                         indent, unused->items[i].name, unused->items[i].where);
        return;
    }
    array = ownkey_report_array(object, "unused_settings");
    for (size_t i = 0; i < unused->len; i++)
        (void)cJSON_AddItemToArray(array,
                                   cJSON_CreateString(unused->items[i].name));
}

static void
check_keys(struct subject *s, cJSON *object, struct ownkey_token *token)
{
    cJSON *array = ownkey_report_array(object, "keys");

    for (size_t i = 0; i < ownkey_token_key_count(token); i++) {
        struct ownkey_key *key = ownkey_token_key_at(token, i);
        struct subject k = *s;
        cJSON *o = ownkey_report_append(array);

        ownkey_report_text(o, "name", ownkey_key_name(key));
        k.steps = ownkey_report_array(o, "steps");
        k.indent = "    ";
        k.good = true;
        k.where = ownkey_token_conf(token)->keys[i].where;
        set_uri(&k, ownkey_token_conf(token)->keys[i].uri);
        if (!s->tool->json)
            (void)printf("  %s/%s\n", ownkey_token_name(token),
                         ownkey_key_name(key));
        check_key(&k, key);
        ownkey_report_bool(o, "ok", k.good);
    }
}

static void
check_token(const struct ownkey_tool *tool, struct ownkey_token *token,
            struct ownkey_token *other, cJSON *array, enum ownkey_exit *code)
{
    const struct ownkey_conf_token *conf = ownkey_token_conf(token);
    struct subject s = { .tool = tool,
                         .indent = "  ",
                         .code = code,
                         .good = true,
                         .where = conf->where };
    cJSON *o = ownkey_report_append(array);

    set_uri(&s, conf->uri);
    s.steps = ownkey_report_array(o, "steps");
    ownkey_report_text(o, "name", conf->name);
    ownkey_report_text(o, "service", s.service);
    ownkey_report_text(o, "kek", s.uri);
    ownkey_report_text(o, "level", ownkey_token_level(token));
    if (!tool->json)
        (void)printf("%s: %s, %s\n", conf->name, s.service,
                     ownkey_token_level(token));
    if (ownkey_token_error(token)->status != OWNKEY_OK) {
        failed(&s, "configuration", OWNKEY_TRY_DESCRIBE,
               ownkey_token_error(token));
    } else {
        passed(&s, "configuration", s.uri);
        check_kek(&s, token, other);
    }
    tell_unused(tool, o, &conf->unused, "  ");
    ownkey_report_bool(o, "ok", s.good);
    if (ownkey_token_error(token)->status == OWNKEY_OK)
        check_keys(&s, o, token);
}

static void
tell_memory(const struct ownkey_tool *tool, cJSON *json)
{
    struct ownkey_secret_info info;
    char text[256];

    ownkey_tool_memory(&info);
    ownkey_report_memory(json, &info);
    if (!tool->json)
        (void)printf("%s: %s\n",
                     info.locked ? "secure memory" : "warning: secure memory",
                     ownkey_tool_memory_text(&info, text, sizeof(text)));
}

static enum ownkey_exit
check_all(const struct ownkey_tool *tool, const struct ownkey_token *only,
          struct ownkey_tokens *others)
{
    cJSON *json = tool->json ? cJSON_CreateObject() : NULL;
    cJSON *array = ownkey_report_array(json, "tokens");
    enum ownkey_exit code = OWNKEY_EXIT_DONE;

    tell_unused(tool, json, &ownkey_tokens_conf(tool->tokens)->unused, "");
    for (size_t i = 0; i < ownkey_tokens_count(tool->tokens); i++) {
        struct ownkey_token *token = ownkey_tokens_at(tool->tokens, i);

        if (only == NULL || only == token)
            check_token(tool, token, ownkey_tokens_at(others, i), array, &code);
    }
    tell_memory(tool, json);
    if (!tool->json)
        return code;
    ownkey_report_bool(json, "ok", code == OWNKEY_EXIT_DONE);
    return ownkey_tool_print(json, code);
}

enum ownkey_exit
ownkey_tool_check(struct ownkey_tool *tool, int argc, char **argv)
{
    struct ownkey_tokens *others = NULL;
    struct ownkey_token *only = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_exit code;

    if (!ownkey_tool_arguments(tool, argc, argv, 0, 1, &code))
        return code;
    if (argv[optind] != NULL
            ? !ownkey_tool_find(tool, argv[optind], &only, NULL, &code)
            : !ownkey_tool_open(tool, &code))
        return code;
    if (ownkey_tokens_count(tool->tokens) == 0)
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "%s has no token; add a section [NAME] with kek = "
                          "URI",
                          ownkey_tokens_conf(tool->tokens)->path);
    else if (ownkey_tool_open_again(tool, &others, &err) == OWNKEY_OK &&
             ownkey_tokens_count(others) != ownkey_tokens_count(tool->tokens))
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "the configuration changes at this moment; try "
                          "again");
    code = err.status == OWNKEY_OK ? check_all(tool, only, others)
                                   : ownkey_tool_fail(tool, &err);
    ownkey_tokens_close(others);
    return code;
}
