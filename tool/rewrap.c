/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped keys moved to a newer version of their KEK, or to another one. */
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/rewrap.h"

enum {
    OPTION_CONTEXT = OWNKEY_OPTION_OWN,
    OPTION_FROM,
    OPTION_IN_PLACE,
    OPTION_NO_PLAINTEXT,
};

struct job {
    const struct ownkey_tool *tool;
    struct ownkey_context context;
    struct ownkey_rewrap_options options;
    bool in_place;
    struct ownkey_rewrap *rewrap;
    cJSON *files;                         /* NULL without --json */
    size_t counts[OWNKEY_REWRAPPED_NOT + 1]; /* by enum ownkey_rewrapped */
    size_t failed;
    enum ownkey_exit code; /* of the first failure */
};

static bool
options(struct ownkey_tool *tool, int argc, char **argv, struct job *job)
{
    static const struct option list[] = {
        OWNKEY_TOOL_OPTIONS,
        { "context", required_argument, NULL, OPTION_CONTEXT },
        { "from", required_argument, NULL, OPTION_FROM },
        { "in-place", no_argument, NULL, OPTION_IN_PLACE },
        { "no-plaintext", no_argument, NULL, OPTION_NO_PLAINTEXT },
        { 0 },
    };
    int option;

    job->code = OWNKEY_EXIT_USAGE;
    while ((option = ownkey_tool_option(tool, argc, argv, list)) >=
           OWNKEY_OPTION_OWN) {
        if (option == OPTION_FROM)
            job->options.from = optarg;
        else if (option == OPTION_IN_PLACE)
            job->in_place = true;
        else if (option == OPTION_NO_PLAINTEXT)
            job->options.no_plaintext = true;
        else if (option == OPTION_CONTEXT &&
                 !ownkey_tool_context(tool, &job->context, optarg))
            return false;
    }
    if (option != OWNKEY_OPTION_END) {
        if (option != OWNKEY_OPTION_BAD)
            job->code = OWNKEY_EXIT_DONE;
        return false;
    }
    return true;
}

/* files: what follows TOKEN, NULL-terminated. */
static bool
check_files(const struct job *job, char *const files[])
{
    size_t count = 0;

    for (; files[count] != NULL; count++)
        if (job->in_place && strcmp(files[count], "-") == 0) {
            (void)ownkey_tool_usage(job->tool,
                                    "standard input has no place; leave out "
                                    "--in-place");
            return false;
        }
    if (job->in_place && count == 0)
        (void)ownkey_tool_usage(job->tool, "--in-place needs files");
    else if (!job->in_place && count > 1)
        (void)ownkey_tool_usage(job->tool,
                                "several files are rewrapped --in-place");
    else
        return true;
    return false;
}

/* ---- reporting ---- */

static const char *
how_text(enum ownkey_rewrapped how)
{
    switch (how) {
    case OWNKEY_REWRAPPED_INSIDE:
        return "inside_the_service";
    case OWNKEY_REWRAPPED_HERE:
        return "opened_here";
    case OWNKEY_REWRAPPED_NOT:
        break;
    }
    return "unchanged";
}

static void
report_one(const struct job *job, cJSON *object, const char *file,
           const struct ownkey_bytes *wrapped, enum ownkey_rewrapped how)
{
    struct ownkey_wrapped_info info = { 0 };
    char *text;

    if (ownkey_wrapped_inspect(ownkey_blob_of(wrapped), &info, NULL) !=
        OWNKEY_OK)
        return;
    if (job->files == NULL) {
        if (job->in_place && ownkey_tool_is_terminal(NULL))
            (void)printf("%s: %s, version %s\n", file,
                         how == OWNKEY_REWRAPPED_NOT ? "unchanged"
                                                     : "rewrapped",
                         info.kek_version[0] != '\0' ? info.kek_version
                                                     : "not said");
        return;
    }
    ownkey_report_text(object, "how", how_text(how));
    ownkey_report_text(object, "service", info.service);
    ownkey_report_text(object, "kek", info.kek);
    ownkey_report_text(object, "kek_version", info.kek_version);
    if (job->in_place)
        return;
    text = ownkey_tool_base64(ownkey_blob_of(wrapped), "");
    if (text != NULL)
        ownkey_report_text(object, "wrapped", text);
    free(text);
}

static void
report_failure(struct job *job, cJSON *object, const struct ownkey_error *err)
{
    enum ownkey_exit code = ownkey_tool_exit(err->status);

    job->failed++;
    if (job->code == OWNKEY_EXIT_DONE)
        job->code = code;
    if (job->files != NULL)
        ownkey_report_error(object, "error", err);
    else
        (void)ownkey_tool_fail(job->tool, err);
}

/* What happened in words; left: files that were not tried any more. */
static void
tell(const struct job *job, size_t left)
{
    size_t here = job->counts[OWNKEY_REWRAPPED_HERE];

    if (here > 0)
        ownkey_tool_say(job->tool,
                        "%zu opened and wrapped again in this process: the "
                        "service does not move them inside (--no-plaintext "
                        "refuses that)",
                        here);
    if (left > 0)
        ownkey_tool_say(job->tool, "files not tried: %zu", left);
    if (job->tool->json || !job->in_place)
        return;
    (void)printf("%zu rewrapped, %zu already under the newest version, %zu "
                 "failed\n",
                 here + job->counts[OWNKEY_REWRAPPED_INSIDE],
                 job->counts[OWNKEY_REWRAPPED_NOT], job->failed);
}

/* ---- one file ---- */

static enum ownkey_status
deliver(const struct job *job, const char *file,
        const struct ownkey_bytes *wrapped, bool base64,
        enum ownkey_rewrapped how, struct ownkey_error *err)
{
    struct ownkey_blob data = ownkey_blob_of(wrapped);
    enum ownkey_status st = OWNKEY_OK;
    char *text = NULL;

    if (job->in_place ? how == OWNKEY_REWRAPPED_NOT : job->tool->json)
        return OWNKEY_OK;
    if (base64 || (!job->in_place && ownkey_tool_is_terminal(NULL))) {
        text = ownkey_tool_base64(data, "\n");
        if (text == NULL)
            return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
        data = ownkey_blob_text(text);
    }
    if (job->in_place)
        st = ownkey_tool_update(file, data, err);
    else
        st = ownkey_tool_write(NULL, data, OWNKEY_TOOL_NEW, err);
    free(text);
    return st;
}

static enum ownkey_status
rewrap_file(struct job *job, const char *file)
{
    struct ownkey_bytes before = { 0 };
    struct ownkey_bytes after = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;
    cJSON *object = ownkey_report_append(job->files);
    bool base64 = false;
    enum ownkey_status st;

    ownkey_report_text(object, "file", file);
    st = ownkey_tool_read_wrapped(file, &before, &base64, &err);
    if (st == OWNKEY_OK)
        st = ownkey_rewrap_one(job->rewrap, OWNKEY_PURPOSE_DATA_KEY,
                               &job->context, ownkey_blob_of(&before), &after,
                               &how, &err);
    if (st == OWNKEY_OK)
        st = deliver(job, file, &after, base64, how, &err);
    ownkey_report_bool(object, "ok", st == OWNKEY_OK);
    if (st == OWNKEY_OK) {
        job->counts[how]++;
        report_one(job, object, file, &after, how);
    } else {
        if (strcmp(file, "-") != 0 &&
            strncmp(err.text, file, strlen(file)) != 0)
            ownkey_error_prefix(&err, "%s", file);
        report_failure(job, object, &err);
    }
    ownkey_bytes_clear(&before);
    ownkey_bytes_clear(&after);
    return st;
}

/* Whether the failure is the file's own: the next one may be better. */
static bool
goes_on(enum ownkey_status st)
{
    return st == OWNKEY_OK || st == OWNKEY_IO || st == OWNKEY_ARG ||
           st == OWNKEY_DAMAGED || st == OWNKEY_UNSUPPORTED;
}

static enum ownkey_exit
run(struct job *job, struct ownkey_token *token, char *const files[])
{
    static char dash[] = "-";
    static char *const standard_input[] = { dash, NULL };
    cJSON *json = job->tool->json ? cJSON_CreateObject() : NULL;
    size_t left = 0;

    if (files[0] == NULL)
        files = standard_input;
    ownkey_report_text(json, "token", ownkey_token_name(token));
    job->files = ownkey_report_array(json, "files");
    job->code = OWNKEY_EXIT_DONE;
    while (*files != NULL && goes_on(rewrap_file(job, *files)))
        files++;
    while (*files != NULL && *++files != NULL)
        left++;
    tell(job, left);
    if (!job->tool->json)
        return job->code;
    ownkey_report_number(json, "rewrapped",
                         (double)(job->counts[OWNKEY_REWRAPPED_INSIDE] +
                                  job->counts[OWNKEY_REWRAPPED_HERE]));
    ownkey_report_number(json, "unchanged",
                         (double)job->counts[OWNKEY_REWRAPPED_NOT]);
    ownkey_report_number(json, "failed", (double)job->failed);
    ownkey_report_number(json, "not_tried", (double)left);
    return ownkey_tool_print(json, job->code);
}

enum ownkey_exit
ownkey_tool_rewrap(struct ownkey_tool *tool, int argc, char **argv)
{
    struct job job = { .tool = tool };
    struct ownkey_error err = { 0 };
    struct ownkey_token *token;

    if (!options(tool, argc, argv, &job) ||
        !ownkey_tool_count(tool, argc, 1, argc) ||
        !check_files(&job, argv + optind + 1) ||
        !ownkey_tool_find(tool, argv[optind], &token, NULL, &job.code))
        goto out;
    if (ownkey_rewrap_new(token, &job.options, &job.rewrap, &err) == OWNKEY_OK)
        job.code = run(&job, token, argv + optind + 1);
    else
        job.code = ownkey_tool_fail(tool, &err);
out:
    ownkey_rewrap_free(job.rewrap);
    ownkey_context_clear(&job.context);
    return job.code;
}
