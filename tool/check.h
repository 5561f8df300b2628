/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - the parts of `ownkey check`: each tries something and reports it.
 */
#ifndef OWNKEY_TOOL_CHECK_H
#define OWNKEY_TOOL_CHECK_H

#include "tool/hint.h"
#include "tool/tool.h"

/* One key being checked: where its results go. */
struct ownkey_check_subject {
    const struct ownkey_tool *tool;
    const char *uri;
    const char *where; /* of its section */
    char service[32];
    const char *indent;
    cJSON *steps;           /* NULL without --json */
    enum ownkey_exit *code; /* of the first failure of all */
    bool good;
};

/* uri may be NULL; sets the service, too. */
void ownkey_check_set_uri(struct ownkey_check_subject *s, const char *uri);

/* ---- check_step.c: one step ---- */

void ownkey_check_passed(struct ownkey_check_subject *s, const char *step,
                         const char *detail);
/* With the advice for what was tried. */
void ownkey_check_failed(struct ownkey_check_subject *s, const char *step,
                         enum ownkey_try what, const struct ownkey_error *err);
/* With this advice; "" for none. */
void ownkey_check_failed_with(struct ownkey_check_subject *s, const char *step,
                              const struct ownkey_error *err, const char *hint);
/* Passed or failed, as st says; whether it passed. */
bool ownkey_check_settle(struct ownkey_check_subject *s, const char *step,
                         enum ownkey_try what, enum ownkey_status st,
                         const struct ownkey_error *err, const char *detail);

/* One KMS call. false: no use to go on. */
bool ownkey_check_describe(struct ownkey_check_subject *s,
                           struct ownkey_kms *kms,
                           struct ownkey_key_info *info);

/*
 * Whether the service has the public key that is configured, one KMS call;
 * key NULL: of the KEK.
 */
bool ownkey_check_fits(struct ownkey_check_subject *s,
                       struct ownkey_token *token, struct ownkey_key *key,
                       struct ownkey_blob configured);

/* ---- check_kek.c, check_key.c, check_store.c ---- */

/* other: the same token of a set that shares no lease with it. */
void ownkey_check_kek(struct ownkey_check_subject *s,
                      struct ownkey_token *token, struct ownkey_token *other);
void ownkey_check_key(struct ownkey_check_subject *s, struct ownkey_key *key);
void ownkey_check_store(struct ownkey_check_subject *s,
                        struct ownkey_token *token);

#endif
