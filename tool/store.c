/* SPDX-License-Identifier: Apache-2.0 */
/* ownkey store: what is in a token's store, and whether it is as it should be. */
#include "token/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "tool/tool.h"

enum {
    PAGE = 256,
    TEXT_MAX = 256, /* of a label or id that is shown */
    OPTION_OUT = OWNKEY_OPTION_OWN,
    OPTION_COMPROMISED,
    OPTION_RESEAL,
};

/* One run of the command. */
struct run {
    struct ownkey_tool *tool;
    struct ownkey_token *token;
    struct ownkey_store *store;
    cJSON *json; /* NULL without --json */
    const char *out;
    bool compromised;
    bool reseal;
    size_t good;
    size_t bad;
    struct ownkey_error first; /* of what is bad */
};

/* ---- one object after the other ---- */

/* each returns false to stop, and then err says why. */
static enum ownkey_status
for_each(struct run *r, bool (*each)(struct run *, int64_t id,
                                     struct ownkey_error *),
         struct ownkey_error *err)
{
    const struct ownkey_store_query all = { 0 };
    int64_t ids[PAGE];
    int64_t after = 0;
    size_t n = 0;

    do {
        enum ownkey_status st =
            ownkey_store_find(r->store, &all, after, ids, PAGE, &n, err);

        if (st != OWNKEY_OK)
            return st;
        for (size_t i = 0; i < n; i++)
            if (!each(r, ids[i], err))
                return err->status;
        after = n > 0 ? ids[n - 1] : after;
    } while (n == PAGE);
    return OWNKEY_OK;
}

/* ---- list ---- */

static const char *
class_name(const struct ownkey_attributes *list)
{
    static const char *const names[] = { "data", "certificate", "public",
                                         "private", "secret" };
    uint64_t n;

    if (!ownkey_attributes_number(list, OWNKEY_ATTRIBUTE_CLASS, &n) ||
        n >= sizeof(names) / sizeof(names[0]))
        return "other";
    return names[n];
}

static const char *
type_name(const struct ownkey_attributes *list)
{
    uint64_t n;

    if (!ownkey_attributes_number(list, OWNKEY_ATTRIBUTE_KEY_TYPE, &n))
        return "-";
    switch (n) { /* CKK_... */
    case 0x00:
        return "RSA";
    case 0x03:
        return "EC";
    case 0x10:
        return "generic";
    case 0x1f:
        return "AES";
    case 0x40:
        return "Edwards";
    default:
        return "other";
    }
}

static const char *
text_of(const struct ownkey_attributes *list, uint64_t type, bool hex,
        char buf[static TEXT_MAX])
{
    const struct ownkey_attribute *a = ownkey_attributes_find(list, type);
    size_t len = a != NULL ? a->value.len : 0;

    if (hex) {
        len = len < (TEXT_MAX - 1) / 2 ? len : (TEXT_MAX - 1) / 2;
        ownkey_hex_encode(a != NULL ? a->value.data : NULL, len, buf);
    } else {
        (void)snprintf(buf, TEXT_MAX, "%.*s", (int)len,
                       a != NULL ? (const char *)a->value.data : "");
        ownkey_text_clean(buf);
    }
    return buf;
}

static void
show(const struct run *r, const struct ownkey_store_object *o)
{
    const struct ownkey_attributes *list = &o->attributes;
    cJSON *json = ownkey_report_append(r->json);
    char label[TEXT_MAX];
    char id[TEXT_MAX];
    char date[21];

    (void)text_of(list, OWNKEY_ATTRIBUTE_LABEL, false, label);
    (void)text_of(list, OWNKEY_ATTRIBUTE_ID, true, id);
    (void)ownkey_time_iso(o->created_s, date);
    if (!r->tool->json) {
        (void)printf("%-6" PRId64 " %-11s %-8s %-20s %-8" PRId64 " %-18s %s\n",
                     o->id, class_name(list), type_name(list), date,
                     o->data_key, id[0] != '\0' ? id : "-", label);
        return;
    }
    ownkey_report_number(json, "number", (double)o->id);
    ownkey_report_text(json, "class", class_name(list));
    ownkey_report_text(json, "type", type_name(list));
    ownkey_report_text(json, "label", label);
    ownkey_report_text(json, "id", id);
    ownkey_report_text(json, "made_at", date);
    ownkey_report_number(json, "version", (double)o->version);
    ownkey_report_number(json, "data_key", (double)o->data_key);
}

/* One that is destroyed meanwhile is no failure. */
static bool
list_one(struct run *r, int64_t id, struct ownkey_error *err)
{
    struct ownkey_store_object o = { 0 };
    enum ownkey_status st = ownkey_store_read(r->store, id, &o, err);

    if (st == OWNKEY_OK)
        show(r, &o);
    ownkey_store_object_clear(&o);
    return st == OWNKEY_OK || st == OWNKEY_NOT_FOUND;
}

static enum ownkey_exit
list(struct run *r)
{
    struct ownkey_error err = { 0 };
    cJSON *json = NULL;

    if (r->tool->json) {
        json = cJSON_CreateObject();
        r->json = ownkey_report_array(json, "objects");
    } else {
        (void)printf("%-6s %-11s %-8s %-20s %-8s %-18s %s\n", "NUMBER",
                     "CLASS", "TYPE", "MADE", "DATA KEY", "ID", "LABEL");
    }
    if (for_each(r, list_one, &err) != OWNKEY_OK) {
        cJSON_Delete(json);
        return ownkey_tool_fail(r->tool, &err);
    }
    return r->tool->json ? ownkey_tool_print(json, OWNKEY_EXIT_DONE)
                         : OWNKEY_EXIT_DONE;
}

/* ---- verify ---- */

/* Only what is damaged is counted; what the KEK says ends it. */
static bool
verify_one(struct run *r, int64_t id, struct ownkey_error *err)
{
    struct ownkey_store_object o = { 0 };
    struct ownkey_secret secret = { 0 };
    enum ownkey_status st =
        ownkey_store_open(r->store, id, &o, &secret, NULL, err);

    ownkey_secret_clear(&secret);
    ownkey_store_object_clear(&o);
    if (st == OWNKEY_OK)
        r->good++;
    if (st != OWNKEY_DAMAGED)
        return st == OWNKEY_OK || st == OWNKEY_NOT_FOUND;
    if (r->bad++ == 0)
        r->first = *err;
    ownkey_tool_say(r->tool, "%s", err->text);
    return true;
}

static enum ownkey_exit
report_verify(const struct run *r)
{
    enum ownkey_exit code =
        r->bad > 0 ? OWNKEY_EXIT_DAMAGED : OWNKEY_EXIT_DONE;
    cJSON *json;

    if (!r->tool->json) {
        (void)printf("%zu objects are as they were sealed, %zu are not\n",
                     r->good, r->bad);
        return code;
    }
    json = cJSON_CreateObject();
    ownkey_report_number(json, "good", (double)r->good);
    ownkey_report_number(json, "damaged", (double)r->bad);
    if (r->bad > 0)
        ownkey_report_error(json, "error", &r->first);
    return ownkey_tool_print(json, code);
}

static enum ownkey_exit
verify(struct run *r)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_store_check(r->store, &err);

    if (st == OWNKEY_OK)
        st = for_each(r, verify_one, &err);
    return st == OWNKEY_OK || st == OWNKEY_NOT_FOUND
               ? report_verify(r)
               : ownkey_tool_fail(r->tool, &err);
}

/* ---- rotate ---- */

static enum ownkey_status
leave_as_it_is(struct ownkey_attributes *list, void *arg,
               struct ownkey_error *err)
{
    (void)list;
    (void)arg;
    (void)err;
    return OWNKEY_OK;
}

static bool
reseal_one(struct run *r, int64_t id, struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_store_edit(r->store, id, leave_as_it_is, NULL, err);

    if (st == OWNKEY_OK)
        r->good++;
    return st == OWNKEY_OK || st == OWNKEY_NOT_FOUND;
}

static enum ownkey_exit
rotate(struct run *r)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st =
        ownkey_store_rotate(r->store, r->compromised, &err);
    cJSON *json;

    if (st == OWNKEY_OK && r->reseal)
        st = for_each(r, reseal_one, &err);
    if (st != OWNKEY_OK)
        return ownkey_tool_fail(r->tool, &err);
    if (!r->tool->json) {
        (void)printf("a new data key seals from now on; %zu objects were "
                     "sealed anew\n",
                     r->good);
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_number(json, "resealed", (double)r->good);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

/* ---- export ---- */

static enum ownkey_exit
export(struct run *r)
{
    struct ownkey_error err = { 0 };
    cJSON *json;

    if (r->out == NULL)
        return ownkey_tool_usage(r->tool, "export needs --out FILE");
    if (ownkey_store_export(r->store, r->out, &err) != OWNKEY_OK)
        return ownkey_tool_fail(r->tool, &err);
    if (!r->tool->json)
        return OWNKEY_EXIT_DONE;
    json = cJSON_CreateObject();
    ownkey_report_text(json, "file", r->out);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

/* ---- the command ---- */

static const struct action {
    const char *name;
    enum ownkey_exit (*run)(struct run *);
    bool takes_out;
    bool takes_rotation;
} actions[] = {
    { "list", list, false, false },
    { "verify", verify, false, false },
    { "rotate", rotate, false, true },
    { "export", export, true, false },
};

static const struct action *
find_action(const char *name)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static enum ownkey_exit
act(struct run *r, int argc, char **argv)
{
    const struct action *action = find_action(argv[optind]);
    struct ownkey_error err = { 0 };
    enum ownkey_exit code;

    if (action == NULL)
        return ownkey_tool_usage(r->tool, "unknown action %s", argv[optind]);
    if (r->out != NULL && !action->takes_out)
        return ownkey_tool_usage(r->tool, "--out is for export");
    if ((r->compromised || r->reseal) && !action->takes_rotation)
        return ownkey_tool_usage(r->tool,
                                 "--compromised and --reseal are for rotate");
    if (!ownkey_tool_count(r->tool, argc, 2, 2))
        return OWNKEY_EXIT_USAGE;
    if (!ownkey_tool_find(r->tool, argv[optind + 1], &r->token, NULL, &code))
        return code;
    if (ownkey_token_error(r->token)->status != OWNKEY_OK)
        return ownkey_tool_fail(r->tool, ownkey_token_error(r->token));
    r->store = ownkey_token_store(r->token);
    if (r->store != NULL)
        return action->run(r);
    (void)ownkey_fail(&err, OWNKEY_CONFIG,
                      "token %s has no store; store = PATH in its section "
                      "gives it one",
                      ownkey_token_name(r->token));
    return ownkey_tool_fail(r->tool, &err);
}

enum ownkey_exit
ownkey_tool_store(struct ownkey_tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        OWNKEY_TOOL_OPTIONS,
        { "out", required_argument, NULL, OPTION_OUT },
        { "compromised", no_argument, NULL, OPTION_COMPROMISED },
        { "reseal", no_argument, NULL, OPTION_RESEAL },
        { 0 },
    };
    struct run run = { .tool = tool };
    int option;

    while ((option = ownkey_tool_option(tool, argc, argv, options)) >=
           OWNKEY_OPTION_OWN) {
        if (option == OPTION_OUT)
            run.out = optarg;
        run.compromised = run.compromised || option == OPTION_COMPROMISED;
        run.reseal = run.reseal || option == OPTION_RESEAL;
    }
    if (option == OWNKEY_OPTION_BAD)
        return OWNKEY_EXIT_USAGE;
    if (option != OWNKEY_OPTION_END)
        return OWNKEY_EXIT_DONE;
    if (!ownkey_tool_count(tool, argc, 1, 2))
        return OWNKEY_EXIT_USAGE;
    return act(&run, argc, argv);
}
