/* SPDX-License-Identifier: Apache-2.0 */
/* Where external accounts get the token that says who they are elsewhere. */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/process.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_sigv4.h"
#include "kms/command_line.h"
#include "kms/gcp_aws.h"
#include "kms/gcp_fetch.h"
#include "kms/secret_file.h"

enum { SOURCE_MAX = 16 << 10 }; /* bytes that a source may give */

/* ---- a file ------------------------------------------------------------ */

static enum ownkey_status
from_file(const struct ownkey_gcp_subject *s, struct ownkey_secret *subject,
          struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    enum ownkey_status st =
        ownkey_secret_file_read(s->place, "credential_source.file", SOURCE_MAX,
                                true, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_gcp_subject_read(ownkey_blob_secret(&text), s->field, subject,
                                 err);
    if (st == OWNKEY_CREDENTIALS)
        ownkey_error_prefix(err, "%.200s", ownkey_secret_file_name(s->place));
    ownkey_secret_clear(&text);
    return st;
}

/* ---- a URL ------------------------------------------------------------- */

/* 2xx, or an error that names the URL. */
static enum ownkey_status
check_reply(const struct ownkey_http_reply *reply, const char *url,
            struct ownkey_error *err)
{
    if (reply->status >= 200 && reply->status <= 299)
        return OWNKEY_OK;
    if (err != NULL)
        err->http_status = reply->status;
    return ownkey_fail(err, OWNKEY_CREDENTIALS, "%.200s answered %d", url,
                       reply->status);
}

static enum ownkey_status
from_url(const struct ownkey_gcp_fetcher *f,
         const struct ownkey_gcp_subject *s, struct ownkey_secret *subject,
         struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_http_request http = { .method = "GET",
                                        .url = s->place,
                                        .link_local = true };
    enum ownkey_status st;

    for (const cJSON *h = s->headers != NULL ? s->headers->child : NULL;
         h != NULL; h = h->next)
        http.headers[http.header_count++] =
            (struct ownkey_http_header){ h->string, h->valuestring };
    st = ownkey_gcp_fetch_send(f, &http, &reply, err);
    if (st == OWNKEY_OK)
        st = check_reply(&reply, s->place, err);
    if (st == OWNKEY_OK) {
        st = ownkey_gcp_subject_read(ownkey_blob_secret(&reply.body), s->field,
                                     subject, err);
        if (st == OWNKEY_CREDENTIALS)
            ownkey_error_prefix(err, "%.200s", s->place);
    }
    ownkey_http_reply_clear(&reply);
    return st;
}

/* ---- an executable ----------------------------------------------------- */

enum { VARIABLES = 6, VARIABLE_MAX = 600 };

/* What Google's libraries tell it. */
static void
make_environment(const struct ownkey_gcp_credfile *file,
                 char text[static VARIABLES][VARIABLE_MAX],
                 const char *list[static VARIABLES + 1])
{
    const struct ownkey_gcp_subject *s = &file->subject;
    const char *email = file->impersonation_url != NULL
                            ? strrchr(file->impersonation_url, '/')
                            : NULL;
    size_t n = 0;

    (void)snprintf(text[n++], VARIABLE_MAX,
                   "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=%s", file->audience);
    (void)snprintf(text[n++], VARIABLE_MAX,
                   "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=%s",
                   file->subject_type);
    (void)snprintf(text[n++], VARIABLE_MAX,
                   "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0");
    if (email != NULL) {
        email++;
        (void)snprintf(text[n++], VARIABLE_MAX,
                       "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL=%.*s",
                       (int)strcspn(email, ":"), email);
    }
    if (s->output_file != NULL)
        (void)snprintf(text[n++], VARIABLE_MAX,
                       "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=%s",
                       s->output_file);
    for (size_t i = 0; i <= VARIABLES; i++)
        list[i] = i < n ? text[i] : NULL;
}

/* One that is still good, from an earlier run. */
static bool
from_output_file(const struct ownkey_gcp_fetcher *f,
                 const struct ownkey_gcp_subject *s,
                 struct ownkey_secret *subject)
{
    struct ownkey_secret text = { 0 };
    bool ok = s->output_file != NULL &&
              ownkey_secret_file_read(s->output_file, "output_file",
                                      SOURCE_MAX, true, &text, NULL) ==
                  OWNKEY_OK &&
              ownkey_gcp_executable_read(ownkey_blob_secret(&text),
                                         ownkey_gcp_fetch_now(f), true,
                                         subject, NULL) == OWNKEY_OK;

    ownkey_secret_clear(&text);
    return ok;
}

static enum ownkey_status
run(const struct ownkey_gcp_fetcher *f, const struct ownkey_gcp_credfile *file,
    char **argv, struct ownkey_secret *subject, struct ownkey_error *err)
{
    char text[VARIABLES][VARIABLE_MAX];
    const char *environment[VARIABLES + 1];
    uint64_t now_ms = ownkey_clock_boot_ms(f->clock);
    uint64_t left_ms = f->end_ms > now_ms ? f->end_ms - now_ms : 1;
    const struct ownkey_process process = {
        .argv = (const char *const *)argv,
        .environment = environment,
        .limit_ms = left_ms < file->subject.timeout_ms
                        ? left_ms
                        : file->subject.timeout_ms,
        .output_max = SOURCE_MAX,
        .clock = f->clock,
    };
    struct ownkey_process_result result = { 0 };
    enum ownkey_status st;

    make_environment(file, text, environment);
    st = ownkey_process_run(&process, &result, err);
    if (st != OWNKEY_OK)
        return st;
    /* A program that says no may end with a code, too. */
    st = ownkey_gcp_executable_read(ownkey_blob_secret(&result.output),
                                    ownkey_gcp_fetch_now(f),
                                    file->subject.output_file != NULL, subject,
                                    err);
    if (st == OWNKEY_CREDENTIALS && result.output.len == 0)
        (void)ownkey_fail(err, st, "it ended with %d and no answer%s%.150s",
                          result.exit_code,
                          result.errors[0] != '\0' ? ": " : "",
                          result.errors);
    if (st == OWNKEY_CREDENTIALS)
        ownkey_error_prefix(err, "%.150s", argv[0]);
    ownkey_process_result_clear(&result);
    return st;
}

static enum ownkey_status
from_executable(const struct ownkey_gcp_fetcher *f,
                const struct ownkey_gcp_credfile *file,
                struct ownkey_secret *subject, struct ownkey_error *err)
{
    char **argv = NULL;
    enum ownkey_status st;

    if (!f->allow_executables)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the file has a program run (%.150s); that is only "
                           "done where GOOGLE_EXTERNAL_ACCOUNT_ALLOW_"
                           "EXECUTABLES is 1", file->subject.place);
    if (from_output_file(f, &file->subject, subject))
        return OWNKEY_OK;
    st = ownkey_command_line_split(file->subject.place, &argv, err);
    if (st != OWNKEY_OK) {
        ownkey_error_prefix(err, "credential_source.executable.command");
        return st == OWNKEY_CONFIG ? OWNKEY_CREDENTIALS : st;
    }
    st = run(f, file, argv, subject, err);
    ownkey_command_line_free(argv);
    return st;
}

/* ---- AWS --------------------------------------------------------------- */

/* One request to AWS's metadata server; text gets a NUL behind. */
static enum ownkey_status
ask_aws(const struct ownkey_gcp_fetcher *f, const char *method,
        const char *url, const struct ownkey_http_header *header,
        struct ownkey_secret *text, struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_http_request http = { .method = method,
                                        .url = url,
                                        .link_local = true };
    enum ownkey_status st;

    if (header->value != NULL)
        http.headers[http.header_count++] = *header;
    st = ownkey_gcp_fetch_send(f, &http, &reply, err);
    if (st == OWNKEY_OK)
        st = check_reply(&reply, url, err);
    if (st == OWNKEY_OK &&
        ownkey_secret_alloc(text, reply.body.len + 1) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    if (st == OWNKEY_OK && reply.body.len > 0)
        memcpy(text->data, reply.body.data, reply.body.len);
    if (st == OWNKEY_OK)
        text->len = reply.body.len;
    ownkey_http_reply_clear(&reply);
    return st;
}

/* The token that IMDSv2 wants to see; none where the file has no URL for it. */
static enum ownkey_status
session(const struct ownkey_gcp_fetcher *f, const struct ownkey_gcp_subject *s,
        struct ownkey_secret *token, struct ownkey_http_header *header,
        struct ownkey_error *err)
{
    static const struct ownkey_http_header ttl = {
        "X-aws-ec2-metadata-token-ttl-seconds", "300"
    };
    enum ownkey_status st = OWNKEY_OK;

    *header = (struct ownkey_http_header){ "X-aws-ec2-metadata-token", NULL };
    if (s->token_url == NULL)
        return OWNKEY_OK;
    st = ask_aws(f, "PUT", s->token_url, &ttl, token, err);
    if (st == OWNKEY_OK)
        header->value = (const char *)token->data;
    return st;
}

static enum ownkey_status
find_region(const struct ownkey_gcp_fetcher *f,
            const struct ownkey_gcp_subject *s,
            const struct ownkey_http_header *header,
            char region[static OWNKEY_AWS_REGION_MAX],
            struct ownkey_error *err)
{
    const char *set = ownkey_environment("AWS_REGION");
    struct ownkey_secret zone = { 0 };
    enum ownkey_status st;

    if (set == NULL)
        set = ownkey_environment("AWS_DEFAULT_REGION");
    if (set != NULL) {
        (void)snprintf(region, OWNKEY_AWS_REGION_MAX, "%s", set);
        return OWNKEY_OK;
    }
    if (s->region_url == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "no AWS region: set AWS_REGION");
    st = ask_aws(f, "GET", s->region_url, header, &zone, err);
    if (st == OWNKEY_OK && zone.len > 0)
        (void)snprintf(region, OWNKEY_AWS_REGION_MAX, "%.*s",
                       (int)zone.len - 1, (const char *)zone.data);
    ownkey_secret_clear(&zone);
    return st;
}

/* The role that the machine has, then its key. */
static enum ownkey_status
ask_key(const struct ownkey_gcp_fetcher *f,
        const struct ownkey_gcp_subject *s,
        const struct ownkey_http_header *header,
        struct ownkey_gcp_aws_key *key, struct ownkey_error *err)
{
    struct ownkey_secret role = { 0 }, document = { 0 };
    char url[512];
    enum ownkey_status st;
    size_t len;

    if (s->place == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "no AWS access key: set AWS_ACCESS_KEY_ID and "
                           "AWS_SECRET_ACCESS_KEY");
    st = ask_aws(f, "GET", s->place, header, &role, err);
    if (st != OWNKEY_OK)
        return st;
    len = strcspn((const char *)role.data, "\r\n");
    if (len == 0 || len > 128 ||
        strcspn((const char *)role.data, " ?#/%") < len)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "AWS's metadata server names no role");
    if (st == OWNKEY_OK) {
        (void)snprintf(url, sizeof(url), "%.350s/%.*s", s->place, (int)len,
                       (const char *)role.data);
        st = ask_aws(f, "GET", url, header, &document, err);
    }
    if (st == OWNKEY_OK)
        st = ownkey_gcp_aws_key_read(ownkey_blob_secret(&document), key, err);
    ownkey_secret_clear(&role);
    ownkey_secret_clear(&document);
    return st;
}

static enum ownkey_status
from_aws(const struct ownkey_gcp_fetcher *f,
         const struct ownkey_gcp_credfile *file, struct ownkey_secret *subject,
         struct ownkey_error *err)
{
    const char *id = ownkey_environment("AWS_ACCESS_KEY_ID");
    const char *secret = ownkey_environment("AWS_SECRET_ACCESS_KEY");
    struct ownkey_gcp_aws_key key = { 0 };
    struct ownkey_secret token = { 0 };
    struct ownkey_http_header header = { 0 };
    char region[OWNKEY_AWS_REGION_MAX] = "", time[OWNKEY_SIGV4_TIME_LEN + 1];
    bool have_key = id != NULL && secret != NULL;
    bool have_region = ownkey_environment("AWS_REGION") != NULL ||
                       ownkey_environment("AWS_DEFAULT_REGION") != NULL;
    enum ownkey_status st = OWNKEY_OK;

    if (!have_key || !have_region)
        st = session(f, &file->subject, &token, &header, err);
    if (st == OWNKEY_OK)
        st = find_region(f, &file->subject, &header, region, err);
    if (st == OWNKEY_OK)
        st = have_key ? ownkey_gcp_aws_key_take(
                            id, secret, ownkey_environment("AWS_SESSION_TOKEN"),
                            &key, err)
                      : ask_key(f, &file->subject, &header, &key, err);
    if (st == OWNKEY_OK)
        st = ownkey_gcp_aws_subject(
            &key, region, ownkey_sigv4_time(ownkey_gcp_fetch_now(f), time),
            file->subject.verify_url, file->audience, subject, err);
    ownkey_gcp_aws_key_clear(&key);
    ownkey_secret_clear(&token);
    return st;
}

/* ---- any --------------------------------------------------------------- */

enum ownkey_status
ownkey_gcp_fetch_subject(const struct ownkey_gcp_fetcher *f,
                         const struct ownkey_gcp_credfile *file,
                         struct ownkey_secret *subject,
                         struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_CREDENTIALS;

    switch (file->subject.kind) {
    case OWNKEY_GCP_SUBJECT_FILE:
        st = from_file(&file->subject, subject, err);
        break;
    case OWNKEY_GCP_SUBJECT_URL:
        st = from_url(f, &file->subject, subject, err);
        break;
    case OWNKEY_GCP_SUBJECT_EXECUTABLE:
        st = from_executable(f, file, subject, err);
        break;
    case OWNKEY_GCP_SUBJECT_AWS:
        st = from_aws(f, file, subject, err);
        break;
    }
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "subject token");
    return st;
}
