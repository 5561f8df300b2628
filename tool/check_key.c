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
    } else {
        tell_public(s, key);
    }
}

void
ownkey_check_key(struct ownkey_check_subject *s, struct ownkey_key *key)
{
    struct ownkey_key_info info = { .can_sign = true };
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    if (ownkey_key_error(key)->status != OWNKEY_OK) {
        if (ownkey_key_kms(key) != NULL && ownkey_key_spki(key).len == 0)
            check_bare(s, key);
        else
            tell_section(s, key);
        return;
    }
    ownkey_check_passed(s, "configuration", s->uri);
    if (!ownkey_check_describe(s, ownkey_key_kms(key), &info) ||
        !ownkey_check_fits(s, ownkey_key_token(key), key, ownkey_key_spki(key)))
        return;
    if (info.can_sign) {
        st = ownkey_remote_try_sign(key, &err);
        (void)ownkey_check_settle(s, "sign", OWNKEY_TRY_SIGN, st, &err,
                                  "verified here");
    } else {
        st = ownkey_remote_try_decrypt(key, &err);
        (void)ownkey_check_settle(s, "decrypt", OWNKEY_TRY_DECRYPT, st, &err,
                                  "encrypted here");
    }
}
