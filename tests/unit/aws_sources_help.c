/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/aws_sources_help.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kms/aws_sso_token.h"

/* ---- a clock that can be put forward ----------------------------------- */

static atomic_ullong ahead_ms;

static uint64_t
boot_ms(void *arg)
{
    (void)arg;
    return ownkey_clock_boot_ms(&ownkey_clock_system) + atomic_load(&ahead_ms);
}

static int64_t
wall_s(void *arg)
{
    (void)arg;
    return ownkey_clock_wall_s(&ownkey_clock_system);
}

void
sources_ahead(unsigned long long seconds)
{
    atomic_store(&ahead_ms, seconds * 1000);
}

const struct ownkey_clock sources_clock = { boot_ms, wall_s, NULL };

/* ---- files and orders -------------------------------------------------- */

char sources_home[96];
static char path_of[192];

/* A path in the folder of the double; good until the next one. */
const char *
in_dir(const char *name)
{
    (void)snprintf(path_of, sizeof(path_of), "%s/%s", the_double.dir, name);
    return path_of;
}

/* Text with "@" for the double's folder. */
char *
expand(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; *text != '\0' && n + 1 < size; text++) {
        if (*text == '@')
            n += (size_t)snprintf(out + n, size - n, "%s", the_double.dir);
        else
            out[n++] = *text;
    }
    out[n] = '\0';
    return out;
}

void
write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    char out[4096];

    assert_non_null(f);
    assert_true(fputs(expand(text, out, sizeof(out)), f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* What an order prints, into a file. */
void
print_order(const char *order, const char *path)
{
    double_order("%s >%s", order, path);
}

/* Several, with ';' between them. */
void
give_orders(const char *orders)
{
    char text[1024], out[2048], *rest = NULL;

    (void)snprintf(text, sizeof(text), "%s", orders);
    for (char *o = strtok_r(text, ";", &rest); o != NULL;
         o = strtok_r(NULL, ";", &rest))
        double_order("%s", expand(o, out, sizeof(out)));
}

static void
endpoint_of(const char *listener, const char *suffix, char *out, size_t size)
{
    char name[64], line[128] = "";
    FILE *f;

    (void)snprintf(name, sizeof(name), "endpoint.%s", listener);
    f = fopen(in_dir(name), "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    (void)fclose(f);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(out, size, "%s%s", line, suffix);
}

void
set_endpoint(const char *variable, const char *listener, const char *suffix)
{
    char url[256];

    endpoint_of(listener, suffix, url, sizeof(url));
    setenv(variable, url, 1);
}

void
sso_file(const char *name, const char *options)
{
    char order[64];
    char *path = NULL;

    assert_int_equal(ownkey_aws_sso_token_path(sources_home, name, &path),
                     OWNKEY_OK);
    (void)snprintf(order, sizeof(order), "sso-login %s", options);
    print_order(order, path);
    free(path);
}

/* The cache of `aws login`, and what the program of a profile prints. */
void
login_files(void)
{
    char expires[21], text[1024];

    (void)ownkey_time_iso(wall_s(NULL) + 3600, expires);
    double_order("identity add ASIALOGIN loginsecret logintoken");
    (void)snprintf(text, sizeof(text),
                   "{\"accessToken\":{\"accessKeyId\":\"ASIALOGIN\","
                   "\"secretAccessKey\":\"loginsecret\",\"sessionToken\":"
                   "\"logintoken\",\"expiresAt\":\"%s\"}}", expires);
    write_file(in_dir("2744ccd10c7533bd736ad890f9dd5cab2adb27b07d500b9493f29cdc"
                      "420cb2e0.json"), text, 0600);
    (void)snprintf(text, sizeof(text),
                   "{\"Version\":1,\"AccessKeyId\":\"ASIALOGIN\","
                   "\"SecretAccessKey\":\"loginsecret\",\"SessionToken\":"
                   "\"logintoken\",\"Expiration\":\"%s\"}", expires);
    write_file(in_dir("printed"), text, 0600);
    write_file(in_dir("program"),
               "#!/bin/sh\necho x >>@/program.calls\n"
               "echo noise >&2\n[ \"$1\" = 'a b' ] || exit 9\ncat @/printed\n",
               0755);
}

int
sources_start(void **state)
{
    char command[256];

    (void)state;
    if (double_start("--key alias/kek") != 0)
        return -1;
    (void)snprintf(sources_home, sizeof(sources_home), "%s/home",
                   the_double.dir);
    (void)snprintf(command, sizeof(command), "mkdir -p %s/.aws/sso/cache",
                   sources_home);
    return system(command) == 0 ? 0 : -1;
}

int
sources_stop(void **state)
{
    (void)state;
    return double_stop();
}

void
give_roles(void)
{
    give_orders("role " ROLE "one --trusts AKIDEXAMPLE;"
                "role " ROLE "two --trusts "
                "arn:aws:sts::111122223333:assumed-role/one/ownkey-acme;"
                "role " ROLE "any;"
                "role " ROLE "saas --external-id 7f3c;"
                "role " ROLE "web --web-subject pod");
}

int
sources_before_each(void **state)
{
    (void)state;
    clear_environment();
    setenv("HOME", sources_home, 1);
    setenv("AWS_REGION", "eu-west-1", 1);
    setenv("AWS_ENDPOINT_URL_KMS", the_double.endpoint, 1);
    set_endpoint("AWS_ENDPOINT_URL_STS", "sts", "");
    set_endpoint("AWS_ENDPOINT_URL_SSO", "sso", "");
    set_endpoint("AWS_ENDPOINT_URL_SSO_OIDC", "sso", "");
    set_endpoint("AWS_EC2_METADATA_SERVICE_ENDPOINT", "instance", "/");
    setenv("AWS_LOGIN_CACHE_DIRECTORY", the_double.dir, 1);
    write_file(in_dir("home/.aws/config"), "", 0600);
    write_file(in_dir("home/.aws/credentials"), "", 0600);
    sources_ahead(0);
    return 0;
}

/* ---- keys -------------------------------------------------------------- */

enum ownkey_status
ask(struct ownkey_kms *kms, struct ownkey_error *err)
{
    struct ownkey_key_info info;

    return ownkey_kms_describe(kms, &info, err);
}

void
assert_asks(struct ownkey_kms *kms)
{
    struct ownkey_error err = { 0 };

    if (ask(kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

struct ownkey_kms *
open_kek(const struct ownkey_options *o)
{
    const struct ownkey_kms_config config = {
        .uri = "awskms:///alias/kek",
        .label = "acme",
        .type = OWNKEY_KEY_AES_256,
        .options = o,
        .clock = &sources_clock,
    };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    if (ownkey_kms_open(&config, &kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    return kms;
}

void
apply(struct ownkey_options *o, const char *setting)
{
    char text[512];
    char *value;

    (void)expand(setting, text, sizeof(text));
    value = strchr(text, '=');
    assert_non_null(value);
    *value++ = '\0';
    if (strchr(text, '.') != NULL)
        add_option(o, text, value);
    else if (value[0] == '\0')
        unsetenv(text);
    else
        setenv(text, value, 1);
}

