/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/vault_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char vault_plain[] = "a data key of thirty-two bytes..";

static size_t used_before;

void
vault_clear_variables(void)
{
    static const char *const names[] = {
        "ADDR", "AGENT_ADDR", "TOKEN", "NAMESPACE", "CACERT", "CACERT_BYTES",
        "CAPATH", "CLIENT_CERT", "CLIENT_KEY", "TLS_SERVER_NAME",
        "SKIP_VERIFY", "SRV_LOOKUP", "PROXY_ADDR", "HTTP_PROXY", "TOKEN_PATH",
    };
    char name[64];

    clear_environment();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(name, sizeof(name), "VAULT_%s", names[i]);
        unsetenv(name);
        (void)snprintf(name, sizeof(name), "BAO_%s", names[i]);
        unsetenv(name);
    }
}

int
vault_start(const char *arguments)
{
    vault_clear_variables();
    return double_start_as("hashivault.py", arguments);
}

int
vault_before_each(void **state)
{
    (void)state;
    vault_clear_variables();
    double_order("clear");
    double_order("reset");
    used_before = secrets_used();
    return 0;
}

int
vault_after_each(void **state)
{
    (void)state;
    return secrets_used() == used_before ? 0 : -1;
}

const char *
vault_path(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", the_double.dir, name);
    return path;
}

const char *
vault_file(const char *name)
{
    static char lines[4][2048];
    static unsigned next;
    char *line = lines[next++ % 4];
    FILE *f = fopen(vault_path(name), "r");

    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(lines[0]), f));
    line[strcspn(line, "\n")] = '\0';
    (void)fclose(f);
    return line;
}

void
vault_address(struct ownkey_options *o)
{
    add_option(o, "vault.address", the_double.endpoint);
    add_option(o, "timeout", "5s");
    if (strncmp(the_double.endpoint, "https", 5) == 0)
        add_option(o, "ca_file", vault_path("ca.pem"));
}

void
vault_options(struct ownkey_options *o)
{
    vault_address(o);
    add_option(o, "vault.token", vault_file("token"));
}

static void
add_all(struct ownkey_options *o, va_list ap)
{
    const char *name;

    while ((name = va_arg(ap, const char *)) != NULL)
        add_option(o, name, va_arg(ap, const char *));
}

static struct ownkey_kms *
open_key(const char *key, enum ownkey_key_type type,
         const struct ownkey_options *o)
{
    char uri[160];

    (void)snprintf(uri, sizeof(uri), "hashivault://%s", key);
    return open_with(uri, type, o);
}

struct ownkey_kms *
vault_open(const char *key, enum ownkey_key_type type, ...)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;
    va_list ap;

    vault_options(&o);
    va_start(ap, type);
    add_all(&o, ap);
    va_end(ap);
    kms = open_key(key, type, &o);
    ownkey_options_clear(&o);
    return kms;
}

struct ownkey_kms *
vault_open_as(const char *key, ...)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;
    va_list ap;

    vault_address(&o);
    va_start(ap, key);
    add_all(&o, ap);
    va_end(ap);
    kms = open_key(key, OWNKEY_KEY_AES_256, &o);
    ownkey_options_clear(&o);
    return kms;
}

void
vault_refuses(const char *uri, const char *text, ...)
{
    struct ownkey_options o = { 0 };
    const struct ownkey_kms_config config = {
        .uri = uri,
        .type = OWNKEY_KEY_AES_256,
        .options = &o,
        .clock = &ownkey_clock_system,
    };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms = NULL;
    enum ownkey_status st;
    va_list ap;

    va_start(ap, text);
    add_all(&o, ap);
    va_end(ap);
    st = ownkey_kms_open(&config, &kms, &err);
    if (st != OWNKEY_CONFIG || strstr(err.text, text) == NULL)
        fail_msg("%s: %s: \"%s\" instead of \"%s\"", uri,
                 ownkey_status_name(st), err.text, text);
    assert_null(kms);
    ownkey_options_clear(&o);
}

enum ownkey_status
vault_unwrap(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
             struct ownkey_error *err)
{
    struct ownkey_context c = { 0 };
    const struct ownkey_unwrap_request request = {
        .id = w->id,
        .version = w->version,
        .algorithm = w->algorithm,
        .ciphertext = ownkey_blob_of(&w->ciphertext),
        .context = &c,
    };
    struct ownkey_secret plain = { 0 };
    uint64_t sent_ms = 0;
    enum ownkey_status st;

    assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
    st = ownkey_kms_unwrap(kms, &request, &plain, &sent_ms, err);
    if (st == OWNKEY_OK) {
        assert_int_equal(plain.len, strlen(vault_plain));
        assert_memory_equal(plain.data, vault_plain, plain.len);
        assert_true(sent_ms > 0);
    } else {
        assert_null(plain.data);
    }
    ownkey_secret_clear(&plain);
    ownkey_context_clear(&c);
    return st;
}

enum ownkey_status
vault_round(struct ownkey_kms *kms, struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st = wrap_text(kms, vault_plain, &w, err);

    if (st == OWNKEY_OK)
        st = vault_unwrap(kms, &w, err);
    ownkey_wrap_reply_clear(&w);
    return st;
}
