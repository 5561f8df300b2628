/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "token/datakey.h"

enum {
    OPTION_CONTEXT = OWNKEY_OPTION_OWN,
    OPTION_IN,
    OPTION_OUT,
    OPTION_BASE64,
    OPTION_FORCE,
    OPTION_INSPECT,
};

struct unwrap {
    struct ownkey_context context;
    const char *in;
    const char *out;
    bool base64;
    bool inspect;
    enum ownkey_tool_place place;
};

static bool
options(struct ownkey_tool *tool, int argc, char **argv, struct unwrap *u,
        enum ownkey_exit *code)
{
    static const struct option list[] = {
        OWNKEY_TOOL_OPTIONS,
        { "context", required_argument, NULL, OPTION_CONTEXT },
        { "in", required_argument, NULL, OPTION_IN },
        { "out", required_argument, NULL, OPTION_OUT },
        { "base64", no_argument, NULL, OPTION_BASE64 },
        { "force", no_argument, NULL, OPTION_FORCE },
        { "inspect", no_argument, NULL, OPTION_INSPECT },
        { 0 },
    };
    int option;

    *code = OWNKEY_EXIT_USAGE;
    while ((option = ownkey_tool_option(tool, argc, argv, list)) >=
           OWNKEY_OPTION_OWN) {
        if (option == OPTION_IN)
            u->in = optarg;
        else if (option == OPTION_OUT)
            u->out = optarg;
        else if (option == OPTION_BASE64)
            u->base64 = true;
        else if (option == OPTION_FORCE)
            u->place = OWNKEY_TOOL_REPLACE;
        else if (option == OPTION_INSPECT)
            u->inspect = true;
        else if (option == OPTION_CONTEXT &&
                 !ownkey_tool_context(tool, &u->context, optarg))
            return false;
    }
    if (option != OWNKEY_OPTION_END) {
        if (option != OWNKEY_OPTION_BAD)
            *code = OWNKEY_EXIT_DONE;
        return false;
    }
    return ownkey_tool_count(tool, argc, u->inspect ? 0 : 1,
                             u->inspect ? 0 : 1);
}

/* A key shown on a screen is a key in a scroll-back buffer. */
static bool
may_write(const struct ownkey_tool *tool, const struct unwrap *u)
{
    if (tool->json && (u->out == NULL || strcmp(u->out, "-") == 0)) {
        (void)ownkey_tool_usage(tool, "with --json the key needs --out FILE");
        return false;
    }
    if (!ownkey_tool_is_terminal(u->out))
        return true;
    (void)ownkey_tool_usage(tool, "a key is not written to a terminal; use "
                                  "--out FILE or a pipe");
    return false;
}

static const char *
purpose_text(enum ownkey_purpose purpose)
{
    switch (purpose) {
    case OWNKEY_PURPOSE_DATA_KEY:
        return "data_key";
    case OWNKEY_PURPOSE_STORE:
        return "store";
    }
    return "unknown";
}

static enum ownkey_exit
inspect(const struct ownkey_tool *tool, const struct unwrap *u,
        const struct ownkey_bytes *wrapped)
{
    struct ownkey_wrapped_info info;
    struct ownkey_error err = { 0 };
    char date[21];
    cJSON *json;

    if (ownkey_wrapped_inspect(ownkey_blob_of(wrapped), &info, &err) !=
        OWNKEY_OK) {
        ownkey_tool_name_input(u->in, &err);
        return ownkey_tool_fail(tool, &err);
    }
    (void)ownkey_time_iso(info.time_s, date);
    if (!tool->json) {
        (void)printf("service      %s\nkek          %s\nkek version  %s\n"
                     "algorithm    %s\npurpose      %s\nmade at      %s\n"
                     "bytes        %zu\n",
                     info.service, info.kek,
                     info.kek_version[0] != '\0' ? info.kek_version : "-",
                     info.algorithm, purpose_text(info.purpose), date,
                     wrapped->len);
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_text(json, "service", info.service);
    ownkey_report_text(json, "kek", info.kek);
    ownkey_report_text(json, "kek_version", info.kek_version);
    ownkey_report_text(json, "algorithm", info.algorithm);
    ownkey_report_text(json, "purpose", purpose_text(info.purpose));
    ownkey_report_text(json, "made_at", date);
    ownkey_report_number(json, "bytes", (double)wrapped->len);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

static enum ownkey_status
unwrap(struct ownkey_token *token, const struct unwrap *u,
       const struct ownkey_bytes *wrapped, struct ownkey_secret *key,
       struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_lease lease;
    enum ownkey_status st;

    st = ownkey_data_key_open(token, OWNKEY_PURPOSE_DATA_KEY, &u->context,
                              ownkey_blob_of(wrapped), &dk, err);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, key, &lease, err);
    ownkey_data_key_free(dk);
    return st;
}

/* Base64 with a newline, in secure memory like what it encodes. */
static enum ownkey_status
encode(struct ownkey_secret *key, struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    size_t len = ownkey_base64_len(key->len);

    if (ownkey_secret_alloc(&text, len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory");
    ownkey_base64_encode(key->data, key->len, (char *)text.data);
    text.data[len] = '\n';
    text.len = len + 1;
    ownkey_secret_move(key, &text);
    return OWNKEY_OK;
}

static enum ownkey_exit
deliver(const struct ownkey_tool *tool, struct ownkey_token *token,
        const struct unwrap *u, struct ownkey_secret *key)
{
    struct ownkey_error err = { 0 };
    size_t len = key->len;
    cJSON *json;

    if ((u->base64 && encode(key, &err) != OWNKEY_OK) ||
        ownkey_tool_write(u->out, ownkey_blob_secret(key), u->place, &err) !=
            OWNKEY_OK)
        return ownkey_tool_fail(tool, &err);
    if (!tool->json)
        return OWNKEY_EXIT_DONE;
    json = cJSON_CreateObject();
    ownkey_report_text(json, "token", ownkey_token_name(token));
    ownkey_report_number(json, "bytes", (double)len);
    ownkey_report_text(json, "file", u->out);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

enum ownkey_exit
ownkey_tool_unwrap(struct ownkey_tool *tool, int argc, char **argv)
{
    struct unwrap u = { 0 };
    struct ownkey_bytes wrapped = { 0 };
    struct ownkey_secret key = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_token *token;
    enum ownkey_exit code;
    bool base64;

    if (!options(tool, argc, argv, &u, &code))
        goto out;
    code = OWNKEY_EXIT_USAGE;
    if (!u.inspect && !may_write(tool, &u))
        goto out;
    if (!u.inspect &&
        !ownkey_tool_find(tool, argv[optind], &token, NULL, &code))
        goto out;
    if (ownkey_tool_read_wrapped(u.in, &wrapped, &base64, &err) == OWNKEY_OK &&
        u.inspect)
        code = inspect(tool, &u, &wrapped);
    else if (err.status == OWNKEY_OK &&
             unwrap(token, &u, &wrapped, &key, &err) == OWNKEY_OK)
        code = deliver(tool, token, &u, &key);
    else {
        ownkey_tool_name_input(u.in, &err);
        code = ownkey_tool_fail(tool, &err);
    }
out:
    ownkey_secret_clear(&key);
    ownkey_bytes_clear(&wrapped);
    ownkey_context_clear(&u.context);
    return code;
}
