/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/azurekms_help.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct azure_double azure;

static const char plain_text[] = "a data key of thirty-two bytes..";

static const char *
source_dir(void)
{
    const char *dir = getenv("OWNKEY_SRCDIR");

    return dir != NULL ? dir : "..";
}

void
azure_clear_environment(void)
{
    static const char *const names[] = {
        "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "AZURE_TOKEN_CREDENTIALS", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT",
        "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET", "http_proxy",
        "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY",
        "no_proxy",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    setenv("HOME", "/nonexistent", 1);
    setenv("PATH", "/usr/bin:/bin", 1);
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

static int
read_endpoint(const char *name, char *out, size_t size)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "cat '%s'",
                   azure_path(name));
    return run(command, out, size);
}

int
azure_start(const char *arguments)
{
    char command[2048], line[256], vault[96], hsm[96];

    azure_clear_environment();
    (void)snprintf(azure.dir, sizeof(azure.dir), "/tmp/ownkey-azure.XXXXXX");
    if (mkdtemp(azure.dir) == NULL)
        return -1;
    (void)snprintf(command, sizeof(command),
                   "LD_PRELOAD= /usr/bin/python3 -W ignore "
                   "'%s/tests/cloud/azurekms.py' --dir %s --detach --tls "
                   "--authority self --parent %ld %s", source_dir(), azure.dir,
                   (long)getpid(), arguments);
    if (run(command, line, sizeof(line)) != 0 ||
        read_endpoint("endpoint", vault, sizeof(vault)) != 0 ||
        read_endpoint("endpoint.hsm", hsm, sizeof(hsm)) != 0 ||
        read_endpoint("endpoint.login", azure.login, sizeof(azure.login)) ||
        read_endpoint("endpoint.foreign", azure.foreign,
                      sizeof(azure.foreign)) != 0 ||
        read_endpoint("endpoint.imds", azure.imds, sizeof(azure.imds)) != 0 ||
        read_endpoint("endpoint.appservice", azure.app_service,
                      sizeof(azure.app_service)) != 0 ||
        read_endpoint("endpoint.arc", azure.arc, sizeof(azure.arc)) != 0)
        return -1;
    (void)snprintf(azure.vault, sizeof(azure.vault), "%s",
                   vault + sizeof("https://") - 1);
    (void)snprintf(azure.hsm, sizeof(azure.hsm), "%s",
                   hsm + sizeof("https://") - 1);
    return 0;
}

int
azure_stop(void)
{
    char command[256], line[64];

    azure_order("stop");
    (void)snprintf(command, sizeof(command), "rm -rf %s", azure.dir);
    return run(command, line, sizeof(line));
}

/* ---- orders ------------------------------------------------------------ */

/* POST /_control on the one listener without TLS; the answer into out. */
static int
post_control(const char *json, char *out, size_t size)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    char text[1536];
    unsigned port;
    size_t used = 0;
    ssize_t n;
    int fd;

    if (sscanf(azure.imds, "http://127.0.0.1:%u", &port) != 1)
        return -1;
    in.sin_port = htons((uint16_t)port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    n = snprintf(text, sizeof(text),
                 "POST /_control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                 "\r\n%s", strlen(json), json);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(write(fd, text, (size_t)n), n);
    while (used + 1 < size && (n = read(fd, out + used, size - used - 1)) > 0)
        used += (size_t)n;
    out[used] = '\0';
    (void)close(fd);
    return 0;
}

/* Orders whose words are members of JSON, in this order. */
static const struct {
    const char *name;
    const char *members[3];
} plain_orders[] = {
    { "clear", { "kind" } },
    { "reset", { NULL } },
    { "enable", { "key", "version" } },
    { "disable", { "key", "version" } },
    { "rotate", { "key" } },
    { "delete", { "key" } },
    { "recover", { "key" } },
    { "purge", { "key" } },
    { "ops", { "key", "ops", "version" } },
    { "busy", { "key", "code" } },
    { "quirk", { "quirk", "state" } },
    { "grant", { "permissions" } },
    { "mode", { "mode" } },
    { "firewall", { "what" } },
    { "tenant", { "tenant" } },
    { "token-lifetime", { "seconds" } },
    { "roll-keys", { NULL } },
    { "revoke", { "client" } },
    { "app", { "what", "client", "tenant" } },
    { "secret", { "what", "value" } },
    { "federated", { "what" } },
    { "certificate", { "what", "path" } },
    { "foreign-login", { "url" } },
    { "arc-realm", { "realm" } },
    { "cli", { "state" } },
    { "clock", { "seconds" } },
    { "calls", { "operation" } },
};

/* "disable KEY" as JSON; false: it has options, or is not in the table. */
static bool
order_to_json(const char *order, char *json, size_t size)
{
    char words[512], *rest = words, *word;
    const char *const *members = NULL;
    size_t used;

    (void)snprintf(words, sizeof(words), "%s", order);
    if (strstr(order, " --") != NULL)
        return false;
    if (strncmp(order, "lie ", 4) == 0) {
        (void)snprintf(json, size,
                       "{\"do\":\"order\",\"kind\":\"lie\",\"argument\":"
                       "\"%s\"}", order + 4);
        return strchr(order + 4, ' ') == NULL;
    }
    word = strsep(&rest, " ");
    for (size_t i = 0; i < sizeof(plain_orders) / sizeof(plain_orders[0]); i++)
        if (strcmp(plain_orders[i].name, word) == 0)
            members = plain_orders[i].members;
    if (members == NULL)
        return false;
    used = (size_t)snprintf(json, size, "{\"do\":\"%s\"", word);
    for (size_t i = 0; (word = strsep(&rest, " ")) != NULL; i++) {
        if (i == 3 || members[i] == NULL)
            return false;
        used += (size_t)snprintf(json + used, size - used, ",\"%s\":\"%s\"",
                                 members[i], word);
    }
    (void)snprintf(json + used, size - used, "}");
    return true;
}

/* Python takes a while to start, so most orders go without. */
static bool
order_directly(const char *order, char *line, size_t size)
{
    char json[768], answer[2048];
    const char *body, *number;

    if (!order_to_json(order, json, sizeof(json)) ||
        post_control(json, answer, sizeof(answer)) != 0)
        return false;
    body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer + 8, " 200", 4) != 0 || body == NULL)
        fail_msg("order refused: %s: %s", order, answer);
    number = strstr(body, "\"calls\":");
    (void)snprintf(line, size, "%ld",
                   number != NULL ? strtol(number + 8, NULL, 10) : 0);
    return true;
}

void
azure_line(const char *order, char *line, size_t size)
{
    char command[1024];

    if (order_directly(order, line, size))
        return;
    (void)snprintf(command, sizeof(command),
                   "LD_PRELOAD= /usr/bin/python3 -W ignore "
                   "'%s/tests/cloud/ctl.py' %s %s", source_dir(), azure.dir,
                   order);
    if (run(command, line, size) != 0)
        fail_msg("order refused: %s", order);
}

void
azure_order(const char *fmt, ...)
{
    char order[512], line[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(order, sizeof(order), fmt, ap);
    va_end(ap);
    azure_line(order, line, sizeof(line));
}

long
azure_number(const char *order)
{
    char line[256];

    azure_line(order, line, sizeof(line));
    return strtol(line, NULL, 10);
}

const char *
azure_path(const char *name)
{
    static char path[160];

    (void)snprintf(path, sizeof(path), "%s/%s", azure.dir, name);
    return path;
}

/* ---- keys -------------------------------------------------------------- */

void
azure_option(struct ownkey_options *o, const char *name, const char *value)
{
    assert_int_equal(ownkey_options_add(o, name, value, "test.conf:7", NULL),
                     OWNKEY_OK);
}

void
azure_place(struct ownkey_options *o, bool hsm)
{
    azure_option(o, "ca_file", azure_path("ca.pem"));
    azure_option(o, "azure.resource", hsm ? "https://managedhsm.azure.net"
                                          : "https://vault.azure.net");
    azure_option(o, "azure.authority", azure.login);
    azure_option(o, "timeout", "5s");
}

void
azure_options(struct ownkey_options *o, bool hsm)
{
    azure_place(o, hsm);
    azure_option(o, "azure.client_id", AZURE_CLIENT);
    azure_option(o, "azure.client_secret", AZURE_SECRET);
}

struct ownkey_kms *
azure_open_with(const char *name, bool hsm, enum ownkey_key_type type,
                const struct ownkey_options *o)
{
    char uri[256];
    const struct ownkey_kms_config config = {
        .uri = uri,
        .type = type,
        .options = o,
        .clock = &ownkey_clock_system,
    };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    (void)snprintf(uri, sizeof(uri), "azurekms://%s/%s",
                   hsm ? azure.hsm : azure.vault, name);
    if (ownkey_kms_open(&config, &kms, &err) != OWNKEY_OK)
        fail_msg("%s: %s", uri, err.text);
    return kms;
}

struct ownkey_kms *
azure_open(const char *name, enum ownkey_key_type type)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;

    azure_options(&o, false);
    kms = azure_open_with(name, false, type, &o);
    ownkey_options_clear(&o);
    return kms;
}

enum ownkey_status
azure_wrap(struct ownkey_kms *kms, struct ownkey_wrap_reply *w,
           struct ownkey_error *err)
{
    static const struct ownkey_context none;
    struct ownkey_secret plain = { 0 };
    uint64_t sent_ms = 0;
    enum ownkey_status st;

    assert_int_equal(ownkey_secret_copy(&plain, plain_text, 32), OWNKEY_OK);
    st = ownkey_kms_wrap(kms, &plain, &none, w, &sent_ms, err);
    ownkey_secret_clear(&plain);
    return st;
}

enum ownkey_status
azure_unwrap(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
             struct ownkey_error *err)
{
    static const struct ownkey_context none;
    const struct ownkey_unwrap_request request = {
        .id = w->id,
        .version = w->version,
        .algorithm = w->algorithm,
        .ciphertext = ownkey_blob_of(&w->ciphertext),
        .context = &none,
    };
    struct ownkey_secret plain = { 0 };
    uint64_t sent_ms = 0;
    uint64_t before = ownkey_clock_boot_ms(&ownkey_clock_system);
    enum ownkey_status st =
        ownkey_kms_unwrap(kms, &request, &plain, &sent_ms, err);

    if (st == OWNKEY_OK) {
        assert_int_equal(plain.len, 32);
        assert_memory_equal(plain.data, plain_text, 32);
        assert_true(sent_ms >= before);
    } else {
        assert_null(plain.data);
    }
    ownkey_secret_clear(&plain);
    return st;
}

size_t
azure_secrets_used(void)
{
    struct ownkey_secret_info info;

    ownkey_secret_info(&info);
    return info.used;
}
