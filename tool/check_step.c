/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/check.h"

#include <stdio.h>
#include <string.h>

#include "tool/remote.h"

enum { LINE_MAX_LEN = 1024, STEP_TEXT_LEN = 32 };

void
ownkey_check_set_uri(struct ownkey_check_subject *s, const char *uri)
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
void
ownkey_check_failed_with(struct ownkey_check_subject *s, const char *step,
                         const struct ownkey_error *err, const char *hint)
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

/* Whether the complaint is about the file that the section stands in. */
static bool
names_file(const struct ownkey_check_subject *s, const struct ownkey_error *err)
{
    const char *colon = strrchr(s->where, ':');

    return colon != NULL &&
           strncmp(err->text, s->where, (size_t)(colon - s->where) + 1) == 0;
}

void
ownkey_check_failed(struct ownkey_check_subject *s, const char *step,
                    enum ownkey_try what, const struct ownkey_error *err)
{
    char hint[512];

    if (err->status == OWNKEY_CONFIG && !names_file(s, err)) {
        ownkey_check_failed_with(s, step, err, ""); /* it says what to do */
        return;
    }
    ownkey_check_failed_with(
        s, step, err,
        ownkey_hint(s->service, s->uri, what, err, hint, sizeof(hint)));
}

void
ownkey_check_passed(struct ownkey_check_subject *s, const char *step,
                    const char *detail)
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

bool
ownkey_check_settle(struct ownkey_check_subject *s, const char *step,
                    enum ownkey_try what, enum ownkey_status st,
                    const struct ownkey_error *err, const char *detail)
{
    if (st == OWNKEY_OK)
        ownkey_check_passed(s, step, detail);
    else
        ownkey_check_failed(s, step, what, err);
    return st == OWNKEY_OK;
}

/* A key that is described, but not as one that can be used. */
static enum ownkey_status
check_state(const struct ownkey_key_info *info, struct ownkey_error *err)
{
    switch (info->state) {
    case OWNKEY_KEY_ENABLED:
        return OWNKEY_OK;
    case OWNKEY_KEY_DISABLED:
        if (info->reason[0] != '\0')
            return ownkey_fail(err, OWNKEY_DISABLED, "%.200s: %s", info->id,
                               info->reason);
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
bool
ownkey_check_describe(struct ownkey_check_subject *s, struct ownkey_kms *kms,
                      struct ownkey_key_info *info)
{
    struct ownkey_error err = { 0 };
    char detail[OWNKEY_KMS_ID_MAX + 96];
    char date[21];
    enum ownkey_status st = ownkey_kms_describe(kms, info, &err);

    if (st == OWNKEY_OK)
        st = check_state(info, &err);
    if (st == OWNKEY_OK)
        (void)snprintf(detail, sizeof(detail), "%s, %s%s%s",
                       ownkey_key_type_info(info->type)->name, info->id,
                       info->expires_s != 0 ? ", expires on " : "",
                       info->expires_s != 0
                           ? ownkey_time_iso(info->expires_s, date)
                           : "");
    if (ownkey_check_settle(s, "describe", OWNKEY_TRY_DESCRIBE, st, &err,
                            detail))
        return true;
    /* Describing may be forbidden while all else is allowed. */
    return st == OWNKEY_DENIED;
}

bool
ownkey_check_fits(struct ownkey_check_subject *s, struct ownkey_token *token,
                  struct ownkey_key *key, struct ownkey_blob configured)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_remote_public(token, key, &spki, &err);

    if (st == OWNKEY_OK &&
        !ownkey_blob_equal(ownkey_blob_of(&spki), configured))
        st = ownkey_fail(&err, OWNKEY_CONFIG,
                         "the configured public key or certificate is of "
                         "another key; `ownkey key public %s%s%s` gives the "
                         "right one",
                         ownkey_token_name(token), key != NULL ? "/" : "",
                         key != NULL ? ownkey_key_name(key) : "");
    ownkey_bytes_clear(&spki);
    return ownkey_check_settle(s, "public_key", OWNKEY_TRY_PUBLIC_KEY, st, &err,
                               "fits the configured one");
}
