/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_config.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "pkcs11.";

enum {
    TIMEOUT_MS = 10000,
    TIMEOUT_MIN_MS = 50,
    TIMEOUT_MAX_MS = 300000,
    SESSIONS = 16,
};

static const char *const own_modules[] = { "ownkey", "ownkey-pkcs11", NULL };

/* ---- one taker for each option --------------------------------------- */

static enum ownkey_status
no_memory(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
bad(const struct ownkey_option *o, const char *hint, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s = %.100s: must be %s",
                       o->where, o->name, o->value, hint);
}

static enum ownkey_status
keep(const char *value, char **out, struct ownkey_error *err)
{
    char *copy = strdup(value);

    if (copy == NULL)
        return no_memory(err);
    free(*out);
    *out = copy;
    return OWNKEY_OK;
}

static enum ownkey_status
take_module(struct ownkey_hsm_config *c, const struct ownkey_option *o,
            struct ownkey_error *err)
{
    if (c->uri.module_path != NULL || c->uri.module_name != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: the key's URI names the module already; leave "
                           "one of the two out",
                           o->where);
    if (strchr(o->value, '/') != NULL && o->value[0] != '/')
        return bad(o, "an absolute path, or a name that `p11-kit "
                      "list-modules` shows", err);
    c->by_path = o->value[0] == '/';
    return keep(o->value, &c->module, err);
}

static enum ownkey_status
take_init_args(struct ownkey_hsm_config *c, const struct ownkey_option *o,
               struct ownkey_error *err)
{
    return keep(o->value, &c->init_args, err);
}

static enum ownkey_status
set_pin(struct ownkey_hsm_config *c, enum ownkey_hsm_pin_kind kind,
        const char *name, const char *where, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (c->pin.kind != OWNKEY_HSM_PIN_NONE)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: the PIN is said to come from two places; "
                           "leave one of pin-source, pkcs11.pin_file and "
                           "pkcs11.pin_env",
                           where);
    st = keep(name, &c->pin_name, err);
    if (st == OWNKEY_OK)
        c->pin = (struct ownkey_hsm_pin_source){ kind, c->pin_name };
    return st;
}

static enum ownkey_status
take_pin_file(struct ownkey_hsm_config *c, const struct ownkey_option *o,
              struct ownkey_error *err)
{
    if (o->value[0] != '/') /* it may be the PIN itself: not repeated */
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: pkcs11.pin_file must be an absolute path",
                           o->where);
    return set_pin(c, OWNKEY_HSM_PIN_FILE, o->value, o->where, err);
}

static enum ownkey_status
take_pin_env(struct ownkey_hsm_config *c, const struct ownkey_option *o,
             struct ownkey_error *err)
{
    if (strchr(o->value, '=') != NULL || isdigit((unsigned char)o->value[0]))
        return bad(o, "the name of a variable", err);
    return set_pin(c, OWNKEY_HSM_PIN_ENV, o->value, o->where, err);
}

/* Somebody put it there in good faith; it is not repeated. */
static enum ownkey_status
take_pin(struct ownkey_hsm_config *c, const struct ownkey_option *o,
         struct ownkey_error *err)
{
    (void)c;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: a PIN is not kept in this file; put it into a "
                       "file of its own, mode 0600, and set pkcs11.pin_file",
                       o->where);
}

static enum ownkey_status
take_mechanism(struct ownkey_hsm_config *c, const struct ownkey_option *o,
               struct ownkey_error *err)
{
    static const char *const names[] = {
        [OWNKEY_HSM_AUTO] = "auto",
        [OWNKEY_HSM_AES_KWP] = "aes-kwp",
        [OWNKEY_HSM_AES_GCM] = "aes-gcm",
        [OWNKEY_HSM_OAEP_SHA256] = "rsa-oaep-sha256",
        [OWNKEY_HSM_OAEP_SHA1] = "rsa-oaep-sha1",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], o->value) == 0) {
            c->mechanism = (enum ownkey_hsm_mechanism)i;
            return OWNKEY_OK;
        }
    }
    return bad(o, "auto, aes-kwp, aes-gcm, rsa-oaep-sha256 or rsa-oaep-sha1",
               err);
}

static enum ownkey_status
take_kwp(struct ownkey_hsm_config *c, const struct ownkey_option *o,
         struct ownkey_error *err)
{
    char *end = NULL;
    unsigned long n;

    errno = 0;
    n = isdigit((unsigned char)o->value[0]) ? strtoul(o->value, &end, 0) : 0;
    if (n == 0 || errno != 0 || *end != '\0')
        return bad(o, "the number of a mechanism, such as 0x80000171", err);
    c->kwp = n;
    return OWNKEY_OK;
}

static enum ownkey_status
take_gcm_iv(struct ownkey_hsm_config *c, const struct ownkey_option *o,
            struct ownkey_error *err)
{
    c->gcm_iv_by_hsm = strcmp(o->value, "hsm") == 0;
    return c->gcm_iv_by_hsm || strcmp(o->value, "ownkey") == 0
               ? OWNKEY_OK
               : bad(o, "ownkey or hsm", err);
}

static enum ownkey_status
take_serials(struct ownkey_hsm_config *c, const struct ownkey_option *o,
             struct ownkey_error *err)
{
    for (const char *at = o->value; *at != '\0';) {
        size_t len = strcspn(at, " ");

        if (len > OWNKEY_HSM_SERIAL_MAX)
            return bad(o, "serial numbers of tokens, separated by blanks, of "
                          "at most 16 characters", err);
        at += len + strspn(at + len, " ");
    }
    return keep(o->value, &c->other_serials, err);
}

static enum ownkey_status
take_sessions(struct ownkey_hsm_config *c, const struct ownkey_option *o,
              struct ownkey_error *err)
{
    char *end = NULL;
    unsigned long n = 0;

    if (isdigit((unsigned char)o->value[0]) && strlen(o->value) < 6)
        n = strtoul(o->value, &end, 10);
    if (n < 1 || n > OWNKEY_HSM_SESSIONS_MAX || *end != '\0')
        return bad(o, "a number from 1 to 256", err);
    c->sessions = (unsigned)n;
    return OWNKEY_OK;
}

static const struct {
    const char *name;
    enum ownkey_status (*take)(struct ownkey_hsm_config *,
                               const struct ownkey_option *,
                               struct ownkey_error *);
} table[] = {
    { "pkcs11.pin", take_pin },
    { "pkcs11.module", take_module },
    { "pkcs11.pin_file", take_pin_file },
    { "pkcs11.pin_env", take_pin_env },
    { "pkcs11.mechanism", take_mechanism },
    { "pkcs11.kwp_mechanism", take_kwp },
    { "pkcs11.gcm_iv", take_gcm_iv },
    { "pkcs11.other_serials", take_serials },
    { "pkcs11.sessions", take_sessions },
    { "pkcs11.init_args", take_init_args },
};

enum { TABLE_LEN = sizeof(table) / sizeof(table[0]) };

/* ---- all ------------------------------------------------------------- */

/* All but the first, which is only there to be refused. */
static enum ownkey_status
check_names(const struct ownkey_options *options, struct ownkey_error *err)
{
    const char *names[TABLE_LEN];

    for (size_t i = 1; i < TABLE_LEN; i++)
        names[i - 1] = table[i].name;
    names[TABLE_LEN - 1] = NULL;
    return ownkey_options_check(options, prefix, names, err);
}

/* ca_file and connect_timeout are of no use here, and may be inherited. */
static enum ownkey_status
take_options(struct ownkey_hsm_config *c, const struct ownkey_options *options,
             struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    for (size_t i = 0; st == OWNKEY_OK && i < TABLE_LEN; i++) {
        const struct ownkey_option *o =
            ownkey_options_find(options, table[i].name);

        if (o != NULL)
            st = table[i].take(c, o, err);
    }
    return st == OWNKEY_OK ? check_names(options, err) : st;
}

static bool
is_own(const char *module, bool by_path)
{
    const char *slash = strrchr(module, '/');
    const char *base = by_path && slash != NULL ? slash + 1 : module;
    size_t len = by_path ? strcspn(base, ".") : strlen(base);

    for (size_t i = 0; own_modules[i] != NULL; i++)
        if (strlen(own_modules[i]) == len &&
            strncmp(own_modules[i], base, len) == 0)
            return true;
    return false;
}

static enum ownkey_status
settle_module(struct ownkey_hsm_config *c, struct ownkey_error *err)
{
    const char *named = c->uri.module_path != NULL ? c->uri.module_path
                                                   : c->uri.module_name;
    enum ownkey_status st = OWNKEY_OK;

    if (named != NULL) {
        c->by_path = c->uri.module_path != NULL;
        st = keep(named, &c->module, err);
    }
    if (st != OWNKEY_OK)
        return st;
    if (c->module == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "which PKCS#11 module has the key? Put "
                           "?module-path=/PATH/OF/MODULE.so at the end of its "
                           "URI, or set pkcs11.module");
    if (is_own(c->module, c->by_path))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s is ownkey's own PKCS#11 module; name that of "
                           "the HSM",
                           c->module);
    return OWNKEY_OK;
}

static enum ownkey_status
fill(struct ownkey_hsm_config *c, const char *uri,
     const struct ownkey_options *options, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_hsm_uri_parse(uri, &c->uri, err);

    c->sessions = SESSIONS;
    if (st == OWNKEY_OK && c->uri.pin_file != NULL)
        st = set_pin(c, OWNKEY_HSM_PIN_FILE, c->uri.pin_file, "", err);
    if (st == OWNKEY_OK)
        st = take_options(c, options, err);
    if (st == OWNKEY_OK)
        st = settle_module(c, err);
    if (st == OWNKEY_OK)
        st = ownkey_options_duration(options, "timeout", TIMEOUT_MS,
                                     TIMEOUT_MIN_MS, TIMEOUT_MAX_MS,
                                     &c->timeout_ms, err);
    return st;
}

enum ownkey_status
ownkey_hsm_config_init(struct ownkey_hsm_config *config, const char *uri,
                       const struct ownkey_options *options,
                       struct ownkey_error *err)
{
    static const struct ownkey_options none;
    enum ownkey_status st;

    *config = (struct ownkey_hsm_config){ 0 };
    st = fill(config, uri, options != NULL ? options : &none, err);
    if (st != OWNKEY_OK)
        ownkey_hsm_config_clear(config);
    return st;
}

void
ownkey_hsm_config_clear(struct ownkey_hsm_config *config)
{
    ownkey_hsm_uri_clear(&config->uri);
    free(config->module);
    free(config->init_args);
    free(config->pin_name);
    free(config->other_serials);
    *config = (struct ownkey_hsm_config){ 0 };
}
