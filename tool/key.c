/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "token/keyfile.h"
#include "tool/key_use.h"
#include "tool/remote.h"

/* ---- list ---- */

struct row {
    const char *uri;
    const char *name; /* "TOKEN" or "TOKEN/NAME" */
    enum ownkey_key_type type;
    unsigned usage; /* 0: a KEK */
    const uint8_t *id;
    bool certificate;
    const struct ownkey_error *error;
};

static void
print_row(const struct row *row)
{
    char id[OWNKEY_OBJECT_ID_LEN * 2 + 1] = "-";
    char line[sizeof(*row->error) + 128];
    bool good = row->error->status == OWNKEY_OK;

    if (good)
        ownkey_hex_encode(row->id, OWNKEY_OBJECT_ID_LEN, id);
    (void)printf("%-24s %-12s %-16s %-4s %s\n", row->name,
                 good ? ownkey_key_type_info(row->type)->name : "-", id,
                 row->certificate ? "yes" : "no",
                 good ? row->uri
                      : ownkey_error_line(row->error, line, sizeof(line)));
}

static void
add_usage(cJSON *object, unsigned usage)
{
    /* In the order of the bits of enum ownkey_conf_usage. */
    static const char *const names[] = { "sign", "decrypt", "derive", "mac" };
    cJSON *array = usage != 0 ? ownkey_report_array(object, "usage") : NULL;

    for (size_t i = 0; array != NULL && i < sizeof(names) / sizeof(names[0]);
         i++)
        if ((usage >> i & 1) != 0)
            (void)cJSON_AddItemToArray(array, cJSON_CreateString(names[i]));
}

static void
add_row(cJSON *array, const struct row *row)
{
    char id[OWNKEY_OBJECT_ID_LEN * 2 + 1];
    cJSON *o = ownkey_report_append(array);

    ownkey_report_text(o, "name", row->name);
    ownkey_report_bool(o, "kek", strchr(row->name, '/') == NULL);
    if (row->uri != NULL)
        ownkey_report_text(o, "key", row->uri);
    if (row->error->status != OWNKEY_OK) {
        ownkey_report_error(o, "error", row->error);
        return;
    }
    ownkey_hex_encode(row->id, OWNKEY_OBJECT_ID_LEN, id);
    ownkey_report_text(o, "type", ownkey_key_type_info(row->type)->name);
    add_usage(o, row->usage);
    ownkey_report_text(o, "id", id);
    ownkey_report_bool(o, "certificate", row->certificate);
}

static void
show_row(cJSON *array, const struct row *row)
{
    if (array != NULL)
        add_row(array, row);
    else
        print_row(row);
}

static void
list_token(cJSON *array, struct ownkey_token *token)
{
    const struct ownkey_conf_token *conf = ownkey_token_conf(token);
    struct row row = {
        .uri = conf->uri,
        .name = ownkey_token_name(token),
        .type = ownkey_token_kek_type(token),
        .id = ownkey_token_kek_id(token),
        .error = ownkey_token_error(token),
    };
    char name[80];

    show_row(array, &row);
    for (size_t i = 0; i < ownkey_token_key_count(token); i++) {
        struct ownkey_key *key = ownkey_token_key_at(token, i);

        (void)snprintf(name, sizeof(name), "%s/%s", conf->name,
                       ownkey_key_name(key));
        row = (struct row){
            .uri = conf->keys[i].uri,
            .name = name,
            .type = ownkey_key_type(key),
            .usage = ownkey_key_usage(key),
            .id = ownkey_key_id(key),
            .certificate = ownkey_key_certificate(key).len > 0,
            .error = ownkey_key_error(key),
        };
        show_row(array, &row);
    }
}

static enum ownkey_exit
list(struct ownkey_tool *tool, const char *name)
{
    struct ownkey_token *only = NULL;
    cJSON *json = NULL;
    cJSON *array = NULL;
    enum ownkey_exit code;

    if (name != NULL ? !ownkey_tool_find(tool, name, &only, NULL, &code)
                     : !ownkey_tool_open(tool, &code))
        return code;
    if (tool->json) {
        json = cJSON_CreateObject();
        array = ownkey_report_array(json, "keys");
    } else {
        (void)printf("%-24s %-12s %-16s %-4s %s\n", "NAME", "TYPE", "ID",
                     "CERT", "KEY");
    }
    for (size_t i = 0; i < ownkey_tokens_count(tool->tokens); i++) {
        struct ownkey_token *token = ownkey_tokens_at(tool->tokens, i);

        if (only == NULL || only == token)
            list_token(array, token);
    }
    return tool->json ? ownkey_tool_print(json, OWNKEY_EXIT_DONE)
                      : OWNKEY_EXIT_DONE;
}

/* ---- pem, public ---- */

static enum ownkey_exit
give(const struct ownkey_tool *tool, const char *name, const char *member,
     struct ownkey_blob pem)
{
    struct ownkey_error err = { 0 };
    char text[8192];
    cJSON *json;

    if (!tool->json) {
        if (ownkey_tool_write(NULL, pem, OWNKEY_TOOL_NEW, &err) != OWNKEY_OK)
            return ownkey_tool_fail(tool, &err);
        return OWNKEY_EXIT_DONE;
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)pem.len,
                   (const char *)pem.data);
    json = cJSON_CreateObject();
    ownkey_report_text(json, "name", name);
    ownkey_report_text(json, member, text);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

static enum ownkey_exit
pem(struct ownkey_tool *tool, const char *name)
{
    struct ownkey_bytes file = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_token *token;
    struct ownkey_key *key;
    enum ownkey_exit code;
    char uri[128];

    if (!ownkey_tool_find(tool, name, &token, &key, &code))
        return code;
    if (ownkey_key_error(key)->status != OWNKEY_OK)
        ownkey_tool_say(tool, "note: %s", ownkey_key_error(key)->text);
    (void)snprintf(uri, sizeof(uri), "ownkey:%s/%s", ownkey_token_name(token),
                   ownkey_key_name(key));
    if (ownkey_keyfile_write(uri, &file, &err) == OWNKEY_OK)
        code = give(tool, name, "key_file", ownkey_blob_of(&file));
    else
        code = ownkey_tool_fail(tool, &err);
    ownkey_bytes_clear(&file);
    return code;
}

static enum ownkey_status
to_pem(const struct ownkey_bytes *spki, struct ownkey_bytes *out,
       struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_NOMEM;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    if (bio != NULL &&
        PEM_write_bio(bio, "PUBLIC KEY", "", spki->data, (long)spki->len) > 0) {
        len = BIO_get_mem_data(bio, &text);
        st = ownkey_bytes_copy(out, text, (size_t)len);
    }
    BIO_free(bio);
    return st == OWNKEY_OK ? st : ownkey_fail(err, st, "no memory");
}

static enum ownkey_exit
public_part(struct ownkey_tool *tool, const char *name)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_bytes file = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_token *token;
    struct ownkey_key *key;
    enum ownkey_exit code;

    if (!ownkey_tool_find_any(tool, name, &token, &key, &code))
        return code;
    if (ownkey_remote_public(token, key, &spki, &err) == OWNKEY_OK &&
        to_pem(&spki, &file, &err) == OWNKEY_OK)
        code = give(tool, name, "public_key", ownkey_blob_of(&file));
    else
        code = ownkey_tool_fail(tool, &err);
    ownkey_bytes_clear(&file);
    ownkey_bytes_clear(&spki);
    return code;
}

/* ---- the command ---- */

enum {
    OPTION_IN = OWNKEY_OPTION_OWN,
    OPTION_OUT,
    OPTION_FORCE,
    OPTION_BASE64,
    OPTION_HASH,
    OPTION_RAW,
    OPTION_PSS,
    OPTION_SALT,
    OPTION_SIGNATURE,
    OPTION_OAEP_HASH,
    OPTION_PKCS1,
    OPTION_PEER,
};

static const struct option options[] = {
    OWNKEY_TOOL_OPTIONS,
    { "in", required_argument, NULL, OPTION_IN },
    { "out", required_argument, NULL, OPTION_OUT },
    { "force", no_argument, NULL, OPTION_FORCE },
    { "base64", no_argument, NULL, OPTION_BASE64 },
    { "hash", required_argument, NULL, OPTION_HASH },
    { "raw", no_argument, NULL, OPTION_RAW },
    { "pss", no_argument, NULL, OPTION_PSS },
    { "salt", required_argument, NULL, OPTION_SALT },
    { "signature", required_argument, NULL, OPTION_SIGNATURE },
    { "oaep-hash", required_argument, NULL, OPTION_OAEP_HASH },
    { "pkcs1", no_argument, NULL, OPTION_PKCS1 },
    { "peer", required_argument, NULL, OPTION_PEER },
    { 0 },
};

static const char *
option_name(int option)
{
    const struct option *o = options;

    while (o->val != option)
        o++;
    return o->name;
}

static void
take_option(struct ownkey_key_use *use, int option)
{
    switch (option) {
    case OPTION_IN:
        use->in = optarg;
        break;
    case OPTION_OUT:
        use->out = optarg;
        break;
    case OPTION_FORCE:
        use->place = OWNKEY_TOOL_REPLACE;
        break;
    case OPTION_BASE64:
        use->base64 = true;
        break;
    case OPTION_HASH:
        use->hash = optarg;
        break;
    case OPTION_RAW:
        use->raw = true;
        break;
    case OPTION_PSS:
        use->pss = true;
        break;
    case OPTION_SALT:
        use->salt = optarg;
        break;
    case OPTION_SIGNATURE:
        use->signature = optarg;
        break;
    case OPTION_OAEP_HASH:
        use->oaep_hash = optarg;
        break;
    case OPTION_PKCS1:
        use->pkcs1 = true;
        break;
    case OPTION_PEER:
        use->peer = optarg;
        break;
    }
}

/* Whether name is a word of list. */
static bool
has_word(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') &&
            (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* given: a bit for each option, in their order. */
static bool
fits(const struct ownkey_tool *tool, const char *action, const char *known,
     unsigned given)
{
    for (int i = 0; given >> i != 0; i++) {
        const char *name = option_name(OPTION_IN + i);

        if ((given >> i & 1) != 0 && !has_word(known, name)) {
            (void)ownkey_tool_usage(tool, "--%s is not for %s", name, action);
            return false;
        }
    }
    return true;
}

static enum ownkey_exit
act(struct ownkey_tool *tool, int argc, char **argv,
    struct ownkey_key_use *use, unsigned given)
{
    const char *action = argv[optind];
    const struct ownkey_key_action *made = ownkey_key_action(action);

    if (!fits(tool, action, made != NULL ? made->options : "", given))
        return OWNKEY_EXIT_USAGE;
    if (strcmp(action, "list") == 0)
        return list(tool, argv[optind + 1]);
    if (made == NULL && strcmp(action, "pem") != 0 &&
        strcmp(action, "public") != 0)
        return ownkey_tool_usage(tool, "unknown action %s", action);
    if (!ownkey_tool_count(tool, argc, 2, 2))
        return OWNKEY_EXIT_USAGE;
    use->name = argv[optind + 1];
    if (made != NULL)
        return made->run(tool, use);
    return strcmp(action, "pem") == 0 ? pem(tool, use->name)
                                      : public_part(tool, use->name);
}

enum ownkey_exit
ownkey_tool_key(struct ownkey_tool *tool, int argc, char **argv)
{
    struct ownkey_key_use use = { 0 };
    unsigned given = 0;
    int option;

    while ((option = ownkey_tool_option(tool, argc, argv, options)) >=
           OWNKEY_OPTION_OWN) {
        given |= 1U << (option - OPTION_IN);
        take_option(&use, option);
    }
    if (option == OWNKEY_OPTION_BAD)
        return OWNKEY_EXIT_USAGE;
    if (option != OWNKEY_OPTION_END)
        return OWNKEY_EXIT_DONE;
    if (!ownkey_tool_count(tool, argc, 1, 2))
        return OWNKEY_EXIT_USAGE;
    return act(tool, argc, argv, &use, given);
}
