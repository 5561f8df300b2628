/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "token/datakey.h"

enum {
    OPTION_CONTEXT = OWNKEY_OPTION_OWN,
    OPTION_IN,
    OPTION_OUT,
    OPTION_GENERATE,
    OPTION_BASE64,
    OPTION_FORCE,
};

struct wrap {
    struct ownkey_context context;
    const char *in;
    const char *out;
    size_t generate; /* bytes; 0: wrap what is read */
    bool base64;
    enum ownkey_tool_place place;
};

static bool
take_length(const struct ownkey_tool *tool, const char *text, size_t *len)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < 1 ||
        n > OWNKEY_DATA_KEY_MAX) {
        (void)ownkey_tool_usage(tool, "--generate %s: must be 1 to %d bytes",
                                text, OWNKEY_DATA_KEY_MAX);
        return false;
    }
    *len = n;
    return true;
}

/* true: go on; else *code. */
static bool
options(struct ownkey_tool *tool, int argc, char **argv, struct wrap *w,
        enum ownkey_exit *code)
{
    static const struct option list[] = {
        OWNKEY_TOOL_OPTIONS,
        { "context", required_argument, NULL, OPTION_CONTEXT },
        { "in", required_argument, NULL, OPTION_IN },
        { "out", required_argument, NULL, OPTION_OUT },
        { "generate", required_argument, NULL, OPTION_GENERATE },
        { "base64", no_argument, NULL, OPTION_BASE64 },
        { "force", no_argument, NULL, OPTION_FORCE },
        { 0 },
    };
    int option;

    *code = OWNKEY_EXIT_USAGE;
    while ((option = ownkey_tool_option(tool, argc, argv, list)) >=
           OWNKEY_OPTION_OWN) {
        if (option == OPTION_IN)
            w->in = optarg;
        else if (option == OPTION_OUT)
            w->out = optarg;
        else if (option == OPTION_BASE64)
            w->base64 = true;
        else if (option == OPTION_FORCE)
            w->place = OWNKEY_TOOL_REPLACE;
        else if (option == OPTION_CONTEXT &&
                 !ownkey_tool_context(tool, &w->context, optarg))
            return false;
        else if (option == OPTION_GENERATE &&
                 !take_length(tool, optarg, &w->generate))
            return false;
    }
    if (option != OWNKEY_OPTION_END) {
        if (option != OWNKEY_OPTION_BAD)
            *code = OWNKEY_EXIT_DONE;
        return false;
    }
    if (w->in != NULL && w->generate != 0) {
        (void)ownkey_tool_usage(tool, "--in and --generate exclude each other");
        return false;
    }
    return ownkey_tool_count(tool, argc, 1, 1);
}

static enum ownkey_status
make(struct ownkey_token *token, const struct wrap *w,
     struct ownkey_data_key **dk, struct ownkey_error *err)
{
    struct ownkey_secret key = { 0 };
    enum ownkey_status st;

    if (w->generate != 0)
        return ownkey_data_key_generate(token, OWNKEY_PURPOSE_DATA_KEY,
                                        &w->context, w->generate, dk, err);
    st = ownkey_tool_read(w->in, OWNKEY_DATA_KEY_MAX, &key, err);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_wrap(token, OWNKEY_PURPOSE_DATA_KEY, &w->context,
                                  &key, dk, err);
    ownkey_secret_clear(&key);
    return st;
}

static enum ownkey_exit
print_json(struct ownkey_token *token, const struct wrap *w,
           struct ownkey_blob wrapped)
{
    cJSON *json = cJSON_CreateObject();
    char *text = ownkey_tool_base64(wrapped, "");

    ownkey_report_text(json, "token", ownkey_token_name(token));
    ownkey_report_text(json, "kek", ownkey_token_conf(token)->uri);
    ownkey_report_number(json, "bytes", (double)wrapped.len);
    if (w->out != NULL)
        ownkey_report_text(json, "file", w->out);
    else if (text != NULL)
        ownkey_report_text(json, "wrapped", text);
    free(text);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

static enum ownkey_exit
deliver(const struct ownkey_tool *tool, struct ownkey_token *token,
        const struct wrap *w, struct ownkey_blob wrapped)
{
    bool base64 = w->base64 || ownkey_tool_is_terminal(w->out);
    char *text = base64 ? ownkey_tool_base64(wrapped, "\n") : NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (base64 && text == NULL)
        st = ownkey_fail(&err, OWNKEY_NOMEM, "no memory");
    else if (!tool->json || w->out != NULL)
        st = ownkey_tool_write(
            w->out, base64 ? ownkey_blob_text(text) : wrapped, w->place, &err);
    free(text);
    if (st != OWNKEY_OK)
        return ownkey_tool_fail(tool, &err);
    return tool->json ? print_json(token, w, wrapped) : OWNKEY_EXIT_DONE;
}

enum ownkey_exit
ownkey_tool_wrap(struct ownkey_tool *tool, int argc, char **argv)
{
    struct wrap w = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_token *token;
    enum ownkey_exit code;

    if (!options(tool, argc, argv, &w, &code) ||
        !ownkey_tool_find(tool, argv[optind], &token, NULL, &code))
        goto out;
    if (w.generate == 0 && w.in == NULL && isatty(STDIN_FILENO) == 1)
        ownkey_tool_say(tool, "Type the key; end with Ctrl-D.");
    if (make(token, &w, &dk, &err) == OWNKEY_OK)
        code = deliver(tool, token, &w, ownkey_data_key_wrapped(dk));
    else
        code = ownkey_tool_fail(tool, &err);
out:
    ownkey_data_key_free(dk);
    ownkey_context_clear(&w.context);
    return code;
}
