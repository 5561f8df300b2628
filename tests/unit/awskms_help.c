/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct double_kms the_double;

static const char *
source_dir(void)
{
    const char *dir = getenv("OWNKEY_SRCDIR");

    return dir != NULL ? dir : "..";
}

void
clear_environment(void)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_KMS", "AWS_CA_BUNDLE", "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "http_proxy", "https_proxy",
        "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_SESSION_NAME", "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    setenv("HOME", "/nonexistent", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1); /* not to wait for it */
}

/* The first line that a command prints; -1 if it fails. */
static int
run(const char *command, char *line, size_t size)
{
    FILE *f = popen(command, "r");
    char rest[256];

    if (f == NULL)
        return -1;
    line[0] = '\0';
    if (fgets(line, (int)size, f) != NULL)
        line[strcspn(line, "\n")] = '\0';
    while (fgets(rest, sizeof(rest), f) != NULL)
        ;
    return pclose(f) == 0 ? 0 : -1;
}

int
double_start(const char *arguments)
{
    return double_start_as("awskms.py", arguments);
}

int
double_start_as(const char *program, const char *arguments)
{
    char command[2048], line[256];

    clear_environment();
    (void)snprintf(the_double.dir, sizeof(the_double.dir),
                   "/tmp/ownkey-double.XXXXXX");
    if (mkdtemp(the_double.dir) == NULL)
        return -1;
    (void)snprintf(command, sizeof(command),
                   "LD_PRELOAD= /usr/bin/python3 '%s/tests/cloud/%s' "
                   "--dir %s --detach --parent %ld %s", source_dir(), program,
                   the_double.dir, (long)getpid(), arguments);
    if (run(command, line, sizeof(line)) != 0)
        return -1;
    (void)snprintf(command, sizeof(command), "cat %s/endpoint", the_double.dir);
    return run(command, the_double.endpoint, sizeof(the_double.endpoint));
}

int
double_stop(void)
{
    char command[512], line[256];

    double_order("stop");
    (void)snprintf(command, sizeof(command), "rm -rf %s", the_double.dir);
    return run(command, line, sizeof(line));
}

/* POST /_control, for the orders that tests give most; -1: use ctl.py. */
static int
post_control(const char *json)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    char text[1024];
    unsigned port;
    int fd, n;

    if (sscanf(the_double.endpoint, "http://127.0.0.1:%u", &port) != 1)
        return -1; /* TLS */
    in.sin_port = htons((uint16_t)port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    n = snprintf(text, sizeof(text),
                 "POST /_control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                 "\r\n%s", strlen(json), json);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(write(fd, text, (size_t)n), n);
    n = (int)read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    assert_true(n > 12);
    assert_memory_equal(text + 8, " 200", 4);
    return 0;
}

/* Python takes a while to start, so not for these. */
static int
order_directly(const char *order)
{
    char json[640], lie[128], operation[64];

    if (strcmp(order, "clear") == 0 || strcmp(order, "reset") == 0)
        (void)snprintf(json, sizeof(json), "{\"do\":\"%s\"}", order);
    else if (strncmp(order, "enable ", 7) == 0)
        (void)snprintf(json, sizeof(json),
                       "{\"do\":\"enable\",\"key\":\"%s\"}", order + 7);
    else if (sscanf(order, "lie '%127[^']' --operation %63s", lie,
                    operation) == 2)
        (void)snprintf(json, sizeof(json),
                       "{\"do\":\"order\",\"kind\":\"lie\",\"argument\":\"%s\","
                       "\"operations\":[\"%s\"]}", lie, operation);
    else if (strncmp(order, "lie ", 4) == 0 && strchr(order + 4, ' ') == NULL)
        (void)snprintf(json, sizeof(json),
                       "{\"do\":\"order\",\"kind\":\"lie\","
                       "\"argument\":\"%s\"}", order + 4);
    else
        return -1;
    return post_control(json);
}

static void
order_line(const char *order, char *line, size_t size)
{
    char command[1024];

    (void)snprintf(command, sizeof(command),
                   "LD_PRELOAD= /usr/bin/python3 '%s/tests/cloud/ctl.py' %s %s",
                   source_dir(), the_double.dir, order);
    assert_int_equal(run(command, line, size), 0);
}

void
double_order(const char *fmt, ...)
{
    char order[512], line[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(order, sizeof(order), fmt, ap);
    va_end(ap);
    if (order_directly(order) != 0)
        order_line(order, line, sizeof(line));
}

long
double_number(const char *order)
{
    char line[256];

    order_line(order, line, sizeof(line));
    return strtol(line, NULL, 10);
}

long
double_stat(const char *name)
{
    char order[256];

    (void)snprintf(order, sizeof(order),
                   "stats | sed -n 's/^  \"%s\": \\([0-9]*\\),*$/\\1/p'", name);
    return double_number(order);
}

void
add_option(struct ownkey_options *o, const char *name, const char *value)
{
    assert_int_equal(
        ownkey_options_add(o, name, value, "test.conf:7", NULL), OWNKEY_OK);
}

void
double_options(struct ownkey_options *o)
{
    double_options_within(o, "5s");
}

void
double_options_within(struct ownkey_options *o, const char *timeout)
{
    add_option(o, "aws.endpoint", the_double.endpoint);
    add_option(o, "aws.region", "eu-west-1");
    add_option(o, "aws.access_key_id", "AKIDEXAMPLE");
    add_option(o, "aws.secret_access_key",
               "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    add_option(o, "timeout", timeout);
    if (strncmp(the_double.endpoint, "https", 5) == 0) {
        char ca[128];

        (void)snprintf(ca, sizeof(ca), "%s/ca.pem", the_double.dir);
        add_option(o, "ca_file", ca);
    }
}

struct ownkey_kms *
open_with(const char *uri, enum ownkey_key_type type,
          const struct ownkey_options *o)
{
    const struct ownkey_kms_config config = {
        .uri = uri,
        .type = type,
        .options = o,
        .clock = &ownkey_clock_system,
    };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    if (ownkey_kms_open(&config, &kms, &err) != OWNKEY_OK)
        fail_msg("%s: %s", uri, err.text);
    return kms;
}

struct ownkey_kms *
double_open(const char *id, enum ownkey_key_type type)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;
    char uri[256];

    (void)snprintf(uri, sizeof(uri), "awskms:///%s", id);
    double_options(&o);
    kms = open_with(uri, type, &o);
    ownkey_options_clear(&o);
    return kms;
}

static void
make_context(struct ownkey_context *c)
{
    assert_int_equal(ownkey_context_add(c, "a", "b", NULL), OWNKEY_OK);
}

enum ownkey_status
wrap_text(struct ownkey_kms *kms, const char *text, struct ownkey_wrap_reply *w,
          struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_context c = { 0 };
    uint64_t sent_ms = 0;
    enum ownkey_status st;

    make_context(&c);
    assert_int_equal(ownkey_secret_copy(&plain, text, strlen(text)), OWNKEY_OK);
    st = ownkey_kms_wrap(kms, &plain, &c, w, &sent_ms, err);
    ownkey_secret_clear(&plain);
    ownkey_context_clear(&c);
    return st;
}

enum ownkey_status
unwrap_text(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
            const char *text, struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_context c = { 0 };
    uint64_t sent_ms = 0;
    uint64_t before = ownkey_clock_boot_ms(&ownkey_clock_system);
    enum ownkey_status st;

    make_context(&c);
    st = test_unwrap_usual(kms, w->id, w->version,
                           ownkey_blob_of(&w->ciphertext), &c, &plain, &sent_ms,
                           err);
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

const char *
double_text(const char *order)
{
    static char line[256];

    order_line(order, line, sizeof(line));
    line[strcspn(line, "\n")] = '\0';
    return line;
}

size_t
secrets_used(void)
{
    struct ownkey_secret_info info;

    ownkey_secret_info(&info);
    return info.used;
}
