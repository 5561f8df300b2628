/* SPDX-License-Identifier: Apache-2.0 */
/* A remote key tried for real. */
#include "tool/check.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/remote.h"

enum { PATH_LEN = 1024 };

/* A key whose public part is not configured: what to type, what to add. */
static void
tell_public(struct ownkey_check_subject *s, struct ownkey_key *key)
{
    const char *token = ownkey_token_name(ownkey_key_token(key));
    const char *name = ownkey_key_name(key);
    char *path = realpath(ownkey_tokens_conf(s->tool->tokens)->path, NULL);
    struct ownkey_error err = { 0 };
    char file[PATH_LEN];
    char hint[2 * PATH_LEN + 256];

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
    ownkey_check_failed_with(s, "configuration", &err, hint);
}

/* A MAC key has no public part; its section says so. */
static void
tell_type(struct ownkey_check_subject *s, struct ownkey_key *key,
          enum ownkey_key_type type)
{
    struct ownkey_error err = { 0 };
    char hint[128];

    (void)ownkey_fail(&err, OWNKEY_CONFIG, "%s: [%s/%s] does not say its type",
                      s->where, ownkey_token_name(ownkey_key_token(key)),
                      ownkey_key_name(key));
    (void)snprintf(hint, sizeof(hint), "add to this section: type = %s",
                   ownkey_key_type_info(type)->name);
    ownkey_check_failed_with(s, "configuration", &err, hint);
}

/* The section is wrong; often its file is only yet to be made. */
static void
tell_section(struct ownkey_check_subject *s, struct ownkey_key *key)
{
    const struct ownkey_error *err = ownkey_key_error(key);
    bool certificate = strstr(err->text, ": certificate: ") != NULL;
    char hint[256];

    if (s->uri[0] == '\0' ||
        (!certificate && strstr(err->text, ": public_key: ") == NULL)) {
        ownkey_check_failed(s, "configuration", OWNKEY_TRY_DESCRIBE, err);
        return;
    }
    (void)snprintf(hint, sizeof(hint),
                   "ownkey key public %s/%s > FILE writes the public key%s",
                   ownkey_token_name(ownkey_key_token(key)),
                   ownkey_key_name(key),
                   certificate ? "; until there is a certificate, public_key "
                                 "= FILE does"
                               : "");
    ownkey_check_failed_with(s, "configuration", err, hint);
}

/* A key without a public part, asked first: some keys have none. */
static void
check_bare(struct ownkey_check_subject *s, struct ownkey_key *key)
{
    struct ownkey_key_info info = { 0 };
    struct ownkey_error err = { 0 };

    if (ownkey_check_describe(s, ownkey_key_kms(key), &info) &&
        info.id[0] != '\0' && info.type == OWNKEY_KEY_AES_256) {
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "an aes-256 key neither signs nor decrypts where it "
                          "is; it can be the kek of a token");
        ownkey_check_failed(s, "key_type", OWNKEY_TRY_DESCRIBE, &err);
    } else if (info.id[0] != '\0' &&
               ownkey_key_type_info(info.type)->family == OWNKEY_FAMILY_HMAC) {
        tell_type(s, key, info.type);
    } else {
        tell_public(s, key);
    }
}

/*
 * A MAC key of another type: nothing else would tell. A public part that is of
 * another key is told by its own step.
 */
static bool
check_type(struct ownkey_check_subject *s, struct ownkey_key *key,
           const struct ownkey_key_info *info)
{
    struct ownkey_error err = { 0 };

    if (info->id[0] == '\0' || info->type == ownkey_key_type(key) ||
        ownkey_key_spki(key).len > 0)
        return true;
    (void)ownkey_fail(&err, OWNKEY_CONFIG,
                      "the key is of type %s, and the configuration says %s",
                      ownkey_key_type_info(info->type)->name,
                      ownkey_key_type_info(ownkey_key_type(key))->name);
    ownkey_check_failed(s, "key_type", OWNKEY_TRY_DESCRIBE, &err);
    return false;
}

static bool
check_public(struct ownkey_check_subject *s, struct ownkey_key *key)
{
    return ownkey_key_spki(key).len == 0 ||
           ownkey_check_fits(s, ownkey_key_token(key), key,
                             ownkey_key_spki(key));
}

/* Its usages, each. An RSA key has one of two, which the service tells. */
static void
try_all(struct ownkey_check_subject *s, struct ownkey_key *key,
        const struct ownkey_key_info *info)
{
    static const struct {
        unsigned usage;
        const char *step;
        enum ownkey_try what;
        enum ownkey_status (*try_it)(struct ownkey_key *,
                                     struct ownkey_error *);
        const char *detail;
    } tries[] = {
        { OWNKEY_USAGE_SIGN, "sign", OWNKEY_TRY_SIGN, ownkey_remote_try_sign,
          "verified here" },
        { OWNKEY_USAGE_DECRYPT, "decrypt", OWNKEY_TRY_DECRYPT,
          ownkey_remote_try_decrypt, "encrypted here" },
        { OWNKEY_USAGE_MAC, "mac", OWNKEY_TRY_MAC, ownkey_remote_try_mac,
          "the same twice" },
        { OWNKEY_USAGE_DERIVE, "derive", OWNKEY_TRY_DERIVE,
          ownkey_remote_try_derive, "the same secret here" },
    };
    unsigned usage = ownkey_key_usage(key);

    if ((usage & OWNKEY_USAGE_SIGN) != 0 && (usage & OWNKEY_USAGE_DECRYPT) != 0)
        usage = info->id[0] == '\0' || info->can_sign ? OWNKEY_USAGE_SIGN
                                                      : OWNKEY_USAGE_DECRYPT;
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        struct ownkey_error err = { 0 };

        if ((usage & tries[i].usage) != 0)
            (void)ownkey_check_settle(s, tries[i].step, tries[i].what,
                                      tries[i].try_it(key, &err), &err,
                                      tries[i].detail);
    }
}

void
ownkey_check_key(struct ownkey_check_subject *s, struct ownkey_key *key)
{
    struct ownkey_key_info info = { 0 };

    if (ownkey_key_error(key)->status != OWNKEY_OK) {
        bool mac = ownkey_key_type_info(ownkey_key_type(key))->family ==
                   OWNKEY_FAMILY_HMAC;

        if (ownkey_key_kms(key) != NULL && !mac &&
            ownkey_key_spki(key).len == 0)
            check_bare(s, key);
        else
            tell_section(s, key);
        return;
    }
    ownkey_check_passed(s, "configuration", s->uri);
    if (ownkey_check_describe(s, ownkey_key_kms(key), &info) &&
        check_type(s, key, &info) && check_public(s, key))
        try_all(s, key, &info);
}
