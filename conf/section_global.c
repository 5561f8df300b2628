/* SPDX-License-Identifier: Apache-2.0 */
/* [global] */
#include "conf/section.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static enum ownkey_status
take_log(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    const char *path = NULL;
    size_t len = 0;
    const char *hint;

    if (!ownkey_conf_log_target(e->value, &conf->log, &path, &len,
                                &conf->log_level, &hint))
        return ownkey_section_bad_value(scope, e, hint);
    if (path == NULL)
        return OWNKEY_OK;
    conf->log_path = strndup(path, len);
    if (conf->log_path == NULL)
        return ownkey_section_no_memory(scope);
    if (!ownkey_conf_path_ok(conf->log_path, &hint))
        return ownkey_section_bad_value(scope, e, "file: and an absolute path");
    return OWNKEY_OK;
}

static enum ownkey_status
take_audit(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    enum ownkey_status st;
    const char *hint;

    if (strcmp(e->value, "off") == 0)
        return OWNKEY_OK;
    if (strncmp(e->value, "file:", 5) != 0 ||
        !ownkey_conf_path_ok(e->value + 5, &hint))
        return ownkey_section_bad_value(scope, e, "off or file:/PATH");
    st = ownkey_section_keep_option(scope, e, &conf->unused);
    return st == OWNKEY_OK
               ? ownkey_section_keep_text(scope, e->value, &conf->audit)
               : st;
}

static enum ownkey_status
take_secure_memory(const struct ownkey_conf_scope *scope,
                   const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    const char *hint;

    if (!ownkey_conf_size(e->value, OWNKEY_SECRET_ARENA_MIN,
                          OWNKEY_SECRET_ARENA_MAX, &conf->secure_memory, &hint))
        return ownkey_section_bad_value(scope, e, hint);
    return OWNKEY_OK;
}

static enum ownkey_status
take_mlock(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    static const char *const names[] = {
        [OWNKEY_SECRET_TRY] = "try",
        [OWNKEY_SECRET_REQUIRE] = "require",
        [OWNKEY_SECRET_HIDDEN] = "secret",
    };
    struct ownkey_conf *conf = target;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(e->value, names[i]) == 0) {
            conf->mlock = (enum ownkey_secret_demand)i;
            return OWNKEY_OK;
        }
    }
    return ownkey_section_bad_value(scope, e, "try, require or secret");
}

static enum ownkey_status
take_flush_dir(const struct ownkey_conf_scope *scope,
               const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    const char *hint;

    free(conf->flush_dir);
    conf->flush_dir = NULL;
    if (strcmp(e->value, "none") == 0)
        return OWNKEY_OK;
    if (!ownkey_conf_path_ok(e->value, &hint))
        return ownkey_section_bad_value(scope, e, "none or an absolute path");
    return ownkey_section_keep_text(scope, e->value, &conf->flush_dir);
}

static const struct ownkey_setting global_settings[] = {
    { "log", take_log },
    { "audit", take_audit },
    { "secure_memory", take_secure_memory },
    { "mlock", take_mlock },
    { "flush_dir", take_flush_dir },
};

enum ownkey_status
ownkey_conf_fill_global(const struct ownkey_conf_scope *scope,
                        struct ownkey_conf *conf)
{
    static const size_t n = sizeof(global_settings) / sizeof(*global_settings);
    const struct ownkey_ini_section *section = scope->section;

    if (section->error.status != OWNKEY_OK) {
        *scope->err = section->error;
        return section->error.status;
    }
    for (size_t i = 0; i < section->count; i++) {
        const struct ownkey_ini_entry *e = &section->entries[i];
        const struct ownkey_setting *s =
            ownkey_section_setting(global_settings, n, e->name);
        enum ownkey_status st = ownkey_section_check(scope, e);

        if (st == OWNKEY_OK)
            st = s != NULL
                     ? s->take(scope, e, conf)
                     : ownkey_section_unknown(scope, e, global_settings, n, "");
        if (st != OWNKEY_OK)
            return st;
    }
    return OWNKEY_OK;
}
