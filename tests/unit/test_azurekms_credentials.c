/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tokens come from: each source obtained, refreshed before its end with
 * one request however many threads there are, and refused with words; and what
 * the options and the environment choose.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/azurekms_help.h"

/* ---- a clock that can be put forward ----------------------------------- */

static atomic_ullong ahead_ms;

static uint64_t
boot_ms(void *arg)
{
    (void)arg;
    return ownkey_clock_boot_ms(&ownkey_clock_system) +
           atomic_load(&ahead_ms);
}

static int64_t
wall_s(void *arg)
{
    (void)arg;
    return ownkey_clock_wall_s(&ownkey_clock_system);
}

static const struct ownkey_clock clock_ahead = { boot_ms, wall_s, NULL };

#define IDENTITY "bbbbbbbb-cccc-dddd-eeee-ffffffffffff"

/* ---- the double -------------------------------------------------------- */

static char az_calls[128]; /* a line for each call of az */

/* An az that counts its calls. */
static int
make_az(void)
{
    char path[160], dir[128];
    FILE *f;

    (void)snprintf(dir, sizeof(dir), "%s/counted", azure.dir);
    (void)snprintf(path, sizeof(path), "%s/az", dir);
    (void)snprintf(az_calls, sizeof(az_calls), "%s/az.calls", azure.dir);
    if (mkdir(dir, 0755) != 0 || (f = fopen(path, "w")) == NULL)
        return -1;
    (void)fprintf(f, "#!/bin/sh\necho x >>'%s'\necho 'a new version is there'\n"
                  "exec '%s/bin/az' \"$@\"\n", az_calls, azure.dir);
    return fclose(f) == 0 ? chmod(path, 0755) : -1;
}

static int
start(void **state)
{
    (void)state;
    if (azure_start("--key kek=RSA --vault acme --vault second") != 0)
        return -1;
    return make_az();
}

static int
stop(void **state)
{
    (void)state;
    return azure_stop();
}

static int
before_each(void **state)
{
    (void)state;
    azure_clear_environment();
    azure_order("clear");
    azure_order("reset");
    atomic_store(&ahead_ms, 0);
    return 0;
}

/* ---- keys -------------------------------------------------------------- */

/* NAME=VALUE into the environment, or NAME into options when it has a dot. */
static void
apply(struct ownkey_options *o, const char *setting)
{
    char text[512], path[512];
    char *value;

    (void)snprintf(text, sizeof(text), "%s", setting);
    value = strchr(text, '=');
    *value++ = '\0';
    if (value[0] == '@') { /* a file of the double */
        (void)snprintf(path, sizeof(path), "%s", azure_path(value + 1));
        value = path;
    }
    if (strchr(text, '.') != NULL)
        azure_option(o, text, value);
    else
        setenv(text, value, 1);
}

static enum ownkey_status
try_open(const struct ownkey_options *o, struct ownkey_kms **kms,
         struct ownkey_error *err)
{
    char uri[128];
    const struct ownkey_kms_config config = {
        .uri = uri,
        .type = OWNKEY_KEY_AES_256,
        .options = o,
        .clock = &clock_ahead,
    };

    (void)snprintf(uri, sizeof(uri), "azurekms://%s/kek", azure.vault);
    return ownkey_kms_open(&config, kms, err);
}

static struct ownkey_kms *
open_by(const char *const *settings)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    azure_place(&o, false);
    for (; *settings != NULL; settings++)
        apply(&o, *settings);
    if (try_open(&o, &kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    ownkey_options_clear(&o);
    return kms;
}

static enum ownkey_status
ask(struct ownkey_kms *kms, struct ownkey_error *err)
{
    struct ownkey_key_info info;

    return ownkey_kms_describe(kms, &info, err);
}

static void
assert_asks(struct ownkey_kms *kms)
{
    struct ownkey_error err = { 0 };

    if (ask(kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

/* ---- the matrix -------------------------------------------------------- */

static const struct source {
    const char *name;
    const char *settings[6];
    const char *operation; /* at the double; NULL: calls of az */
    unsigned per_token;    /* how many of them make a token */
    uint64_t life_s;
    const char *spoil;     /* an order, after which it is refused */
    const char *mend;
    const char *names;     /* what the message has, besides ... */
    const char *way_out;
} sources[] = {
    { "client secret",
      { "azure.client_id=" AZURE_CLIENT, "azure.client_secret=" AZURE_SECRET },
      "token", 1, 3599, "secret expire",
      "secret remove;secret add " AZURE_SECRET,
      "azure.client_secret", "make a new one" },
    { "client secret, environment",
      { "AZURE_CLIENT_ID=" AZURE_CLIENT, "AZURE_CLIENT_SECRET=" AZURE_SECRET,
        "AZURE_TENANT_ID=" AZURE_TENANT },
      "token", 1, 3599, "secret remove " AZURE_SECRET,
      "secret add " AZURE_SECRET, "AZURE_CLIENT_SECRET", "value is needed" },
    { "client certificate, PS256",
      { "azure.client_id=" AZURE_CLIENT,
        "azure.client_certificate=@client.pem" },
      "token", 1, 3599, "certificate remove", "certificate add @client.pem",
      "azure.client_certificate", "register it" },
    { "client certificate, RS256, chain",
      { "azure.client_id=" AZURE_CLIENT,
        "azure.client_certificate=@client.pem",
        "azure.client_assertion=RS256", "azure.send_certificate_chain=yes" },
      "token", 1, 3599, "certificate remove", "certificate add @client.pem",
      "azure.client_certificate", "register it" },
    { "client certificate, environment",
      { "AZURE_CLIENT_ID=" AZURE_CLIENT, "AZURE_TENANT_ID=" AZURE_TENANT,
        "AZURE_CLIENT_CERTIFICATE_PATH=@client.pem" },
      "token", 1, 3599, "certificate remove", "certificate add @client.pem",
      "AZURE_CLIENT_CERTIFICATE_PATH", "register it" },
    { "workload identity",
      { "AZURE_CLIENT_ID=" AZURE_CLIENT, "AZURE_TENANT_ID=" AZURE_TENANT,
        "AZURE_FEDERATED_TOKEN_FILE=@federated-token" },
      "token", 1, 3599, "federated remove", "federated add",
      "AZURE_FEDERATED_TOKEN_FILE", "federated credential" },
    { "managed identity, IMDS",
      { "AZURE_POD_IDENTITY_AUTHORITY_HOST=@imds" },
      "imds", 1, 86399, "identity remove " IDENTITY,
      "identity system " IDENTITY,
      "managed identity (IMDS)", "assign an identity" },
    { "managed identity, App Service",
      { "IDENTITY_ENDPOINT=@appservice", "IDENTITY_HEADER=@header" },
      "appservice", 1, 86399, "identity remove " IDENTITY,
      "identity system " IDENTITY,
      "managed identity (App Service)", "assign an identity" },
    { "managed identity, Azure ML",
      { "MSI_ENDPOINT=@appservice", "MSI_SECRET=@header" },
      "appservice", 1, 86399, "identity remove " IDENTITY,
      "identity system " IDENTITY,
      "managed identity (Azure ML)", "assign an identity" },
    { "managed identity, Azure Arc",
      { "IDENTITY_ENDPOINT=@arc", "IMDS_ENDPOINT=@arc",
        "azure.arc_token_dir=@tokens" },
      "arc", 2, 86399, "arc-realm /etc/passwd", "arc-realm",
      "/etc/passwd", "was not read" },
    { "Azure CLI",
      { "PATH=@path", "azure.credential=cli" },
      NULL, 1, 3599, "cli logout", "cli login", "az account get-access-token",
      "az login" },
};
enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };

/* What the double only says in its files. */
static void
resolve(const char *setting, char *out, size_t size)
{
    const char *at = strstr(setting, "=@");
    char line[256];
    FILE *f;

    (void)snprintf(out, size, "%s", setting);
    if (at == NULL)
        return;
    if (strcmp(at, "=@imds") == 0) {
        (void)snprintf(out, size, "%.*s=%s", (int)(at - setting), setting,
                       azure.imds);
    } else if (strcmp(at, "=@appservice") == 0) {
        (void)snprintf(out, size, "%.*s=%s/msi/token", (int)(at - setting),
                       setting, azure.app_service);
    } else if (strcmp(at, "=@arc") == 0) {
        (void)snprintf(out, size, "%.*s=%s/metadata/identity/oauth2/token",
                       (int)(at - setting), setting, azure.arc);
    } else if (strcmp(at, "=@path") == 0) {
        (void)snprintf(out, size, "PATH=%s/counted:/usr/bin:/bin", azure.dir);
    } else if (strcmp(at, "=@header") == 0) {
        f = fopen(azure_path("env.appservice"), "r");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f) != NULL) {
            char *value = strstr(line, "IDENTITY_HEADER='");

            if (value == NULL)
                continue;
            value += strlen("IDENTITY_HEADER='");
            value[strcspn(value, "'")] = '\0';
            (void)snprintf(out, size, "%.*s=%s", (int)(at - setting), setting,
                           value);
        }
        (void)fclose(f);
    }
}

static struct ownkey_kms *
open_source(const struct source *s)
{
    static char resolved[6][512];
    const char *settings[7] = { NULL };

    azure_clear_environment();
    for (size_t i = 0; i < 6 && s->settings[i] != NULL; i++) {
        resolve(s->settings[i], resolved[i], sizeof(resolved[i]));
        settings[i] = resolved[i];
    }
    return open_by(settings);
}

static long
count(const struct source *s)
{
    char order[64];
    struct stat st;

    if (s->operation == NULL)
        return stat(az_calls, &st) == 0 ? (long)st.st_size / 2 : 0;
    (void)snprintf(order, sizeof(order), "calls %s", s->operation);
    return azure_number(order) / (long)s->per_token;
}

static void *
ask_in_thread(void *arg)
{
    struct ownkey_error err = { 0 };

    for (int i = 0; i < 4; i++)
        if (ask(arg, &err) != OWNKEY_OK)
            return strdup(err.text);
    return NULL;
}

static void
ask_in_threads(struct ownkey_kms *kms)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    char *failure = NULL;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, kms),
                         0);
    for (int i = 0; i < THREADS; i++) {
        void *text = NULL;

        (void)pthread_join(threads[i], &text);
        if (text != NULL)
            failure = text;
    }
    if (failure != NULL)
        fail_msg("%s", failure);
}

/* Or two, with a ';' between. */
static void
give_order(const char *order)
{
    const char *at = strchr(order, '@'), *next = strchr(order, ';');
    char first[64];

    if (next != NULL) {
        (void)snprintf(first, sizeof(first), "%.*s", (int)(next - order),
                       order);
        give_order(first);
        give_order(next + 1);
        return;
    }
    if (at == NULL)
        azure_order("%s", order);
    else
        azure_order("%.*s%s", (int)(at - order), order, azure_path(at + 1));
}

/* Past the end of all tokens: refused now, with the reason and the way out. */
static void
check_refused(const struct source *s, struct ownkey_kms *kms)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    give_order(s->spoil);
    atomic_fetch_add(&ahead_ms, (s->life_s + 100) * 1000);
    st = ask(kms, &err);
    if (st != OWNKEY_CREDENTIALS)
        fail_msg("%s: %s: %s", s->name, ownkey_status_name(st), err.text);
    if (strstr(err.text, s->names) == NULL ||
        strstr(err.text, s->way_out) == NULL)
        fail_msg("%s: %s", s->name, err.text);
    give_order(s->mend);
    atomic_fetch_add(&ahead_ms, 2000); /* the pause after a failure */
    assert_asks(kms);
}

static void
matrix(void **state)
{
    (void)state;
    print_message("source | obtained | refreshed | refused\n");
    for (size_t i = 0; i < SOURCES; i++) {
        const struct source *s = &sources[i];
        struct ownkey_kms *kms = open_source(s);
        long before = count(s);

        ask_in_threads(kms);
        assert_int_equal(count(s) - before, 1);
        /* In the last part of its life: one thread renews, nobody waits. */
        atomic_fetch_add(&ahead_ms, (s->life_s - 60) * 1000);
        ask_in_threads(kms);
        assert_int_equal(count(s) - before, 2);
        check_refused(s, kms);
        ownkey_kms_free(kms);
        print_message("%s | yes | yes, by one request | yes\n", s->name);
    }
}

/* ---- choice ------------------------------------------------------------ */

static void
complains_of_options(void **state)
{
    static const struct {
        const char *settings[5];
        const char *words;
    } cases[] = {
        { { "azure.client_secret=x" }, "needs azure.client_id" },
        { { "azure.client_id=" AZURE_CLIENT, "azure.client_secret=x",
            "azure.client_certificate=/x" }, "only one" },
        { { "azure.client_id=" AZURE_CLIENT, "azure.client_secret=x",
            "azure.managed_identity=system" }, "only one" },
        { { "azure.client_id=a b", "azure.client_secret=x" }, "is no ID" },
        { { "azure.client_id=" AZURE_CLIENT, "azure.client_secret=x",
            "azure.tenant_id=../x" }, "azure.tenant_id" },
        { { "azure.client_id=" AZURE_CLIENT, "azure.client_certificate=/x",
            "azure.client_assertion=HS256" }, "PS256" },
        { { "azure.client_id=" AZURE_CLIENT, "azure.client_certificate=/x",
            "azure.send_certificate_chain=maybe" }, "yes" },
        { { "azure.managed_identity=everything" }, "a client ID" },
        { { "azure.credential=all" }, "default, prod" },
        { { "azure.credential=cli", "azure.managed_identity=system" },
          "of no use" },
        { { "azure.credential=environment" }, "AZURE_CLIENT_SECRET" },
        { { "AZURE_TOKEN_CREDENTIALS=everything" }, "EnvironmentCredential" },
        { { "azure.clientid=x" }, "did you mean azure.client_id?" },
        { { "azure.region=x" }, "known are azure.tenant_id" },
        { { "azure.algorithm=RSA1_5" }, "RSA-OAEP-256, RSA-OAEP, A256KW" },
        { { "azure.api_version=7.4&x" }, "azure.api_version" },
        { { "azure.decrypt=wrap" }, "unwrapKey" },
        { { "AZURE_CLIENT_ID=" AZURE_CLIENT, "AZURE_CLIENT_SECRET=x",
            "AZURE_TENANT_ID=a/b" }, "AZURE_TENANT_ID" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_options o = { 0 };
        struct ownkey_kms *kms = NULL;
        struct ownkey_error err = { 0 };

        azure_clear_environment();
        azure_place(&o, false);
        for (size_t j = 0; cases[i].settings[j] != NULL; j++)
            apply(&o, cases[i].settings[j]);
        assert_int_equal(try_open(&o, &kms, &err), OWNKEY_CONFIG);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("case %zu: %s", i, err.text);
        assert_null(strstr(err.text, AZURE_SECRET));
        ownkey_options_clear(&o);
    }
}

/* A host that is in no cloud gets no token, unless that is said. */
static void
trusts_no_unknown_host(void **state)
{
    static const struct {
        const char *resource, *authority;
        const char *words;
    } cases[] = {
        { NULL, NULL, "set azure.resource" },
        { "https://tokens.example", NULL, "set azure.authority" },
        { "http://tokens.example", NULL, "TLS" },
        { "https://vault.azure.net/x", NULL, "path" },
        { "https://vault.azure.net", "http://login.example", "TLS" },
        { "https://vault.azure.net", "https://login.example/tenant", "path" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_options o = { 0 };
        struct ownkey_kms *kms = NULL;
        struct ownkey_error err = { 0 };

        if (cases[i].resource != NULL)
            azure_option(&o, "azure.resource", cases[i].resource);
        if (cases[i].authority != NULL)
            azure_option(&o, "azure.authority", cases[i].authority);
        assert_int_equal(try_open(&o, &kms, &err), OWNKEY_CONFIG);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("case %zu: %s", i, err.text);
        ownkey_options_clear(&o);
    }
}

static const char *const by_secret[] = { "azure.client_id=" AZURE_CLIENT,
                                         "azure.client_secret=" AZURE_SECRET,
                                         NULL };

/* Nothing is sent to a login host that only the vault knows. */
static void
follows_no_vault_to_a_foreign_login(void **state)
{
    struct ownkey_kms *kms = open_by(by_secret);
    struct ownkey_error err = { 0 };

    (void)state;
    azure_order("foreign-login");
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "nothing was sent there"));
    assert_int_equal(azure_number("calls foreign-token"), 0);
    assert_int_equal(azure_number("calls token"), 0);
    azure_order("challenge --vault acme 'Bearer authorization=\"%s/t\", "
                "resource=\"https://management.azure.com\"'", azure.login);
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "azure.resource"));
    assert_int_equal(azure_number("calls token"), 0);
    azure_order("challenge --vault acme");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_asks(kms);
    ownkey_kms_free(kms);
}

static void
follows_a_vault_to_another_tenant(void **state)
{
    static const char other[] = "22222222-2222-3333-4444-555555555555";
    const char *const with_tenant[] = { by_secret[0], by_secret[1],
                                        "azure.tenant_id=" AZURE_TENANT, NULL };
    struct ownkey_kms *kms = open_by(by_secret);
    struct ownkey_kms *fixed = open_by(with_tenant);
    struct ownkey_error err = { 0 };

    (void)state;
    assert_asks(kms);
    assert_asks(fixed);
    azure_order("app consent %s %s", AZURE_CLIENT, other);
    azure_order("tenant %s --vault acme", other);
    atomic_fetch_add(&ahead_ms, 2000);
    assert_asks(kms);
    assert_int_equal(ask(fixed, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, other));
    assert_non_null(strstr(err.text, "azure.tenant_id"));
    /* The customer takes the consent back: that is a "no". */
    azure_order("app unconsent %s %s", AZURE_CLIENT, other);
    atomic_fetch_add(&ahead_ms, 4000 * 1000);
    assert_int_equal(ask(kms, &err), OWNKEY_DENIED);
    assert_string_equal(err.code, "AADSTS7000229");
    azure_order("tenant " AZURE_TENANT " --vault acme");
    ownkey_kms_free(kms);
    ownkey_kms_free(fixed);
}

/* A token that the vault no longer takes is replaced once. */
static void
replaces_a_refused_token_once(void **state)
{
    struct ownkey_kms *kms = open_by(by_secret);
    struct ownkey_error err = { 0 };

    (void)state;
    assert_asks(kms);
    azure_order("roll-keys");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_asks(kms);
    assert_int_equal(azure_number("calls token"), 2);
    azure_order("reset");
    azure_order("clock 7200"); /* whatever comes is too old at once */
    azure_order("fail 9 Unauthorized --operation get");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_true(azure_number("calls get") <= 2);
    ownkey_kms_free(kms);
}

/* ---- files that change ------------------------------------------------- */

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
reads_the_token_file_each_time(void **state)
{
    char file[192], old[224], setting[256];
    const char *const settings[] = { "azure.client_id=" AZURE_CLIENT, setting,
                                     NULL };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    (void)snprintf(file, sizeof(file), "%s", azure_path("federated-token"));
    (void)snprintf(old, sizeof(old), "%s.old", file);
    (void)snprintf(setting, sizeof(setting), "azure.federated_token_file=%s",
                   file);
    kms = open_by(settings);
    assert_asks(kms);
    assert_int_equal(rename(file, old), 0);
    atomic_fetch_add(&ahead_ms, 3590 * 1000);
    assert_asks(kms); /* the old token is still good */
    atomic_fetch_add(&ahead_ms, 100 * 1000);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, file));
    assert_non_null(strstr(err.text, "No such file"));
    write_file(file, " \n");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "is empty"));
    write_file(file, "two words");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "holds no token"));
    write_file(file, "eyJhbGciOiJub25lIn0.e30.");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_null(strstr(err.text, "eyJhbGciOiJub25lIn0"));
    assert_int_equal(rename(old, file), 0);
    atomic_fetch_add(&ahead_ms, 2000);
    assert_asks(kms);
    ownkey_kms_free(kms);
}

/* ---- managed identities ------------------------------------------------ */

static void
chooses_the_identity(void **state)
{
    static const char user[] = "cccccccc-dddd-eeee-ffff-000000000000";
    char imds[160];
    const char *settings[] = { imds, NULL, NULL };
    char line[256];
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    (void)snprintf(imds, sizeof(imds), "AZURE_POD_IDENTITY_AUTHORITY_HOST=%s",
                   azure.imds);
    azure_line("identity user cccccccc-dddd-eeee-ffff-000000000000 "
               "/subscriptions/s/resourcegroups/g/providers/x/ids/one", line,
               sizeof(line));
    azure_order("grant all --client %s --vault acme", user);
    settings[1] = "azure.managed_identity=cccccccc-dddd-eeee-ffff-000000000000";
    kms = open_by(settings);
    assert_asks(kms);
    ownkey_kms_free(kms);
    settings[1] = "azure.managed_identity=/subscriptions/s/resourcegroups/g/"
                  "providers/x/ids/one";
    kms = open_by(settings);
    assert_asks(kms);
    ownkey_kms_free(kms);
    settings[1] = "azure.managed_identity=dddddddd-dddd-eeee-ffff-000000000000";
    kms = open_by(settings);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "Identity not found"));
    assert_non_null(strstr(err.text, "dddddddd"));
    ownkey_kms_free(kms);
}

/* Only a key file of the agent is read, whatever the agent says. */
static void
reads_no_other_file_for_arc(void **state)
{
    static const char *const realms[] = {
        "/etc/passwd", "@tokens/../client.pem", "@tokens/sub/x.key",
        "@tokens/x.txt", "@tokensx/x.key", "@tokens/.key", "@tokens/none.key",
        "@tokens/link.key",
    };
    char endpoint[160], dir[192], link[256];
    const char *const settings[] = { endpoint, "IMDS_ENDPOINT=x", dir, NULL };
    struct ownkey_kms *kms;

    (void)state;
    (void)snprintf(endpoint, sizeof(endpoint),
                   "IDENTITY_ENDPOINT=%s/metadata/identity/oauth2/token",
                   azure.arc);
    (void)snprintf(dir, sizeof(dir), "azure.arc_token_dir=%s",
                   azure_path("tokens"));
    (void)mkdir(azure_path("tokens"), 0755);
    (void)snprintf(link, sizeof(link), "%s/tokens/link.key", azure.dir);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    kms = open_by(settings);
    for (size_t i = 0; i < sizeof(realms) / sizeof(realms[0]); i++) {
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        if (realms[i][0] == '@')
            azure_order("arc-realm %s", azure_path(realms[i] + 1));
        else
            azure_order("arc-realm %s", realms[i]);
        azure_order("reset");
        atomic_fetch_add(&ahead_ms, 2000);
        st = ask(kms, &err);
        if (st != OWNKEY_CREDENTIALS)
            fail_msg("%s: %s", realms[i], ownkey_status_name(st));
        assert_int_equal(azure_number("calls arc"), 1); /* no second one */
    }
    azure_order("arc-realm");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_asks(kms);
    ownkey_kms_free(kms);
}

/* Nothing configured: IMDS, which is not there, then the Azure CLI. */
static void
goes_down_the_chain(void **state)
{
    char path[256];
    const char *settings[] = { "AZURE_POD_IDENTITY_AUTHORITY_HOST="
                               "http://127.0.0.1:9", path, NULL };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    (void)snprintf(path, sizeof(path), "PATH=%s/counted:/usr/bin:/bin",
                   azure.dir);
    kms = open_by(settings);
    assert_asks(kms);
    ownkey_kms_free(kms);
    azure_order("cli logout");
    kms = open_by(settings);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "no Azure credentials"));
    assert_non_null(strstr(err.text, "azure.client_id"));
    assert_non_null(strstr(err.text, "az login"));
    azure_order("cli login");
    ownkey_kms_free(kms);
    /* The CLI can be left out. */
    settings[1] = "azure.credential=prod";
    kms = open_by(settings);
    assert_int_equal(ask(kms, &err), OWNKEY_UNREACHABLE);
    assert_non_null(strstr(err.text, "managed identity (IMDS)"));
    ownkey_kms_free(kms);
    /* There is none at all. */
    settings[1] = "PATH=/nonexistent";
    kms = open_by(settings);
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    ownkey_kms_free(kms);
}

/* ---- lies of those who give tokens ------------------------------------- */

static void
believes_no_lie_about_tokens(void **state)
{
    static const char *const lies[] = {
        "missing:access_token", "null:access_token",
        "empty-field:access_token", "type:access_token", "dup:access_token",
        "missing:expires_in", "dup:expires_in",
        "type:token_type", "expires:999999999", "not-json", "empty", "html",
        "big", "redirect:https://127.0.0.1:9/x",
    };
    struct ownkey_kms *kms = open_by(by_secret);

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        azure_order("clear");
        azure_order("lie %s --operation token", lies[i]);
        atomic_fetch_add(&ahead_ms, 2000);
        st = ask(kms, &err);
        if (st != OWNKEY_CREDENTIALS)
            fail_msg("%s: %s %s", lies[i], ownkey_status_name(st), err.text);
        assert_non_null(strstr(err.text, "Entra ID"));
    }
    azure_order("clear");
    azure_order("lie other-numbers --operation token");
    atomic_fetch_add(&ahead_ms, 2000);
    assert_asks(kms);
    ownkey_kms_free(kms);
}

static void
tells_of_a_clock_that_is_off(void **state)
{
    const char *const settings[] = { "azure.client_id=" AZURE_CLIENT,
                                     "azure.client_certificate=@client.pem",
                                     NULL };
    struct ownkey_kms *kms = open_by(settings);
    struct ownkey_error err = { 0 };

    (void)state;
    azure_order("clock 3600");
    assert_int_equal(ask(kms, &err), OWNKEY_CREDENTIALS);
    assert_string_equal(err.code, "AADSTS700024");
    assert_non_null(strstr(err.text, "this host's clock is"));
    assert_non_null(strstr(err.text, "behind"));
    ownkey_kms_free(kms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(matrix, before_each),
        cmocka_unit_test_setup(complains_of_options, before_each),
        cmocka_unit_test_setup(trusts_no_unknown_host, before_each),
        cmocka_unit_test_setup(follows_no_vault_to_a_foreign_login,
                               before_each),
        cmocka_unit_test_setup(follows_a_vault_to_another_tenant, before_each),
        cmocka_unit_test_setup(replaces_a_refused_token_once, before_each),
        cmocka_unit_test_setup(reads_the_token_file_each_time, before_each),
        cmocka_unit_test_setup(chooses_the_identity, before_each),
        cmocka_unit_test_setup(reads_no_other_file_for_arc, before_each),
        cmocka_unit_test_setup(goes_down_the_chain, before_each),
        cmocka_unit_test_setup(believes_no_lie_about_tokens, before_each),
        cmocka_unit_test_setup(tells_of_a_clock_that_is_off, before_each),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
