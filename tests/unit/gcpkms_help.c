/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/gcpkms_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
gcp_clear_environment(void)
{
    static const char *const names[] = {
        "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
        "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "CLOUDSDK_CONFIG",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "GCE_METADATA_HOST",
        "GCE_METADATA_ROOT", "NO_GCE_CHECK",
    };

    clear_environment();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    setenv("NO_GCE_CHECK", "true", 1); /* no look around on this machine */
}

int
gcp_start(const char *arguments)
{
    gcp_clear_environment();
    return double_start_as("gcpkms.py", arguments);
}

const char *
gcp_path(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", the_double.dir, name);
    return path;
}

const char *
gcp_endpoint(const char *listener)
{
    static char url[128];
    char name[64];
    FILE *f;

    (void)snprintf(name, sizeof(name), "endpoint.%s", listener);
    f = fopen(gcp_path(name), "r");
    assert_non_null(f);
    assert_non_null(fgets(url, sizeof(url), f));
    (void)fclose(f);
    url[strcspn(url, "\n")] = '\0';
    return url;
}

void
gcp_options(struct ownkey_options *o)
{
    add_option(o, "gcp.endpoint", the_double.endpoint);
    add_option(o, "gcp.credentials", gcp_path("service_account.json"));
    add_option(o, "timeout", "5s");
}

enum ownkey_status
gcp_try_open(const char *key, enum ownkey_key_type type, const char *name,
             const char *value, struct ownkey_blob public_key,
             struct ownkey_kms **kms, struct ownkey_error *err)
{
    const char *slash = strchr(key, '/');
    struct ownkey_options o = { 0 };
    char uri[256];
    struct ownkey_kms_config config = {
        .uri = uri,
        .type = type,
        .public_key = public_key,
        .options = &o,
        .clock = &ownkey_clock_system,
    };
    enum ownkey_status st;

    (void)snprintf(uri, sizeof(uri), "gcpkms://" GCP_RING "%.*s%s%s",
                   (int)strcspn(key, "/"), key,
                   slash != NULL ? "/cryptoKeyVersions" : "",
                   slash != NULL ? slash : "");
    gcp_options(&o);
    if (name != NULL)
        add_option(&o, name, value);
    st = ownkey_kms_open(&config, kms, err);
    ownkey_options_clear(&o);
    return st;
}

struct ownkey_kms *
gcp_open_with(const char *key, enum ownkey_key_type type, const char *name,
              const char *value)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    if (gcp_try_open(key, type, name, value, (struct ownkey_blob){ 0 }, &kms,
                     &err) != OWNKEY_OK)
        fail_msg("%s: %s", key, err.text);
    return kms;
}

struct ownkey_kms *
gcp_open(const char *key, enum ownkey_key_type type)
{
    return gcp_open_with(key, type, NULL, NULL);
}

enum ownkey_status
gcp_unwrap(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
           const char *text, struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_context c = { 0 };
    const struct ownkey_unwrap_request r = {
        .id = w->id,
        .version = w->version,
        .algorithm = w->algorithm,
        .ciphertext = ownkey_blob_of(&w->ciphertext),
        .context = &c,
    };
    uint64_t before = ownkey_clock_boot_ms(&ownkey_clock_system);
    uint64_t sent_ms = 0;
    enum ownkey_status st;

    /* As wrap_text has it. */
    assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
    st = ownkey_kms_unwrap(kms, &r, &plain, &sent_ms, err);
    if (st == OWNKEY_OK) {
        assert_int_equal(plain.len, strlen(text));
        assert_memory_equal(plain.data, text, plain.len);
        assert_true(sent_ms >= before);
    } else {
        assert_null(plain.data);
    }
    ownkey_secret_clear(&plain);
    ownkey_context_clear(&c);
    return st;
}

long
gcp_calls(const char *operation)
{
    char order[64];
    long calls;

    (void)snprintf(order, sizeof(order), "calls %s", operation);
    calls = double_number(order);
    double_order("reset");
    return calls;
}
