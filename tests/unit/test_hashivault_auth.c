/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and logins at the double of Vault: obtained, renewed, refused. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/vault_help.h"

static const char policy[] =
    "policy kms 'path \"+/*\" { capabilities = [\"read\", \"update\"] }'";

static int
start(void **state)
{
    (void)state;
    return vault_start("--tls --key acme --namespace org");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

static int
before_each(void **state)
{
    (void)vault_before_each(state);
    double_order("%s", policy);
    double_order("reset");
    return 0;
}

static void
write_file(const char *name, const char *text)
{
    FILE *f = fopen(vault_path(name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A new token, by the options of the order `token`. */
static const char *
new_token(const char *options)
{
    char order[128];

    (void)snprintf(order, sizeof(order), "token %s", options);
    return double_text(order);
}

static void
pause_ms(long ms)
{
    const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&t, NULL);
}

static void
expect(struct ownkey_kms *kms, enum ownkey_status st, const char *text)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status got = vault_round(kms, &err);

    if (got != st || (st != OWNKEY_OK && strstr(err.text, text) == NULL))
        fail_msg("%s: %s", ownkey_status_name(got), err.text);
}

/* ---- where a token comes from ------------------------------------------ */

static void
takes_tokens_in_order(void **state)
{
    struct ownkey_kms *kms;
    char home[128];

    (void)state;
    setenv("VAULT_TOKEN", "hvs.wrong", 1);
    kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    kms = vault_open_as("acme", "vault.token_file", vault_path("token"), NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    setenv("VAULT_TOKEN", vault_file("token"), 1);
    kms = vault_open_as("acme", NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    setenv("BAO_TOKEN", "s.wrong", 1); /* it wins */
    kms = vault_open_as("acme", NULL);
    expect(kms, OWNKEY_CREDENTIALS, "BAO_TOKEN");
    ownkey_kms_free(kms);
    unsetenv("VAULT_TOKEN");
    unsetenv("BAO_TOKEN");
    kms = vault_open_as("acme", NULL);
    expect(kms, OWNKEY_CREDENTIALS, "/nonexistent/.vault-token");
    ownkey_kms_free(kms);
    write_file(".vault-token", vault_file("token"));
    (void)snprintf(home, sizeof(home), "%s", the_double.dir);
    setenv("HOME", home, 1);
    kms = vault_open_as("acme", NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    setenv("HOME", "/nonexistent", 1);
    setenv("BAO_TOKEN_PATH", vault_path(".vault-token"), 1);
    kms = vault_open_as("acme", NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    unsetenv("BAO_TOKEN_PATH");
}

/* Nothing is asked but what is to be done, at first. */
static void
asks_nothing_about_a_given_token_at_first(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);

    (void)state;
    expect(kms, OWNKEY_OK, "");
    assert_int_equal(double_number("calls"), 3);
    assert_int_equal(double_number("calls lookup-self"), 0);
    ownkey_kms_free(kms);
}

/* ---- 403: a policy, or a dead token ------------------------------------ */

static void
tells_a_denial_from_a_dead_token(void **state)
{
    struct ownkey_kms *kms = vault_open_as("acme", "vault.token",
                                           new_token(""), NULL);

    (void)state;
    expect(kms, OWNKEY_OK, "");
    double_order("policy kms ''");
    expect(kms, OWNKEY_DENIED, "permission denied");
    double_order("%s", policy);
    expect(kms, OWNKEY_OK, "");
    double_order("deny encrypt");
    expect(kms, OWNKEY_DENIED, "\"update\" on \"transit/encrypt/acme\"");
    assert_int_equal(double_number("calls lookup-self"), 2);
    ownkey_kms_free(kms);
}

static void
says_that_a_given_token_is_dead(void **state)
{
    char token[256];
    struct ownkey_kms *kms;

    (void)state;
    (void)snprintf(token, sizeof(token), "%s", new_token(""));
    kms = vault_open_as("acme", "vault.token", token, NULL);
    expect(kms, OWNKEY_OK, "");
    double_order("expire-token %s", token);
    expect(kms, OWNKEY_CREDENTIALS, "test.conf:7: vault.token");
    expect(kms, OWNKEY_CREDENTIALS, "expired, was revoked");
    ownkey_kms_free(kms);
}

static void
reads_a_token_file_again(void **state)
{
    struct ownkey_kms *kms;
    char first[256];

    (void)state;
    (void)snprintf(first, sizeof(first), "%s", new_token(""));
    write_file("sink", first);
    kms = vault_open_as("acme", "vault.token_file", vault_path("sink"), NULL);
    expect(kms, OWNKEY_OK, "");
    double_order("revoke-token %s", first);
    pause_ms(1100);
    write_file("sink", new_token(""));
    expect(kms, OWNKEY_OK, "");
    write_file("sink", "hvs.dead\n");
    double_order("revoke-token all");
    pause_ms(1100);
    expect(kms, OWNKEY_CREDENTIALS, "whoever writes that file");
    assert_int_equal(unlink(vault_path("sink")), 0);
    pause_ms(1100);
    expect(kms, OWNKEY_CREDENTIALS, "No such file");
    ownkey_kms_free(kms);
    write_file("token", new_token("")); /* for the tests after this one */
}

/* ---- logins ------------------------------------------------------------ */

static struct ownkey_kms *
open_approle(void)
{
    char id[64];

    (void)snprintf(id, sizeof(id), "%s", vault_file("role_id"));
    return vault_open_as("acme", "vault.auth", "approle", "vault.role_id", id,
                         "vault.secret_id_file", vault_path("secret_id"),
                         NULL);
}

static void
logs_in(void **state)
{
    static const struct {
        const char *method, *file;
    } methods[] = { { "kubernetes", "service_account" }, { "jwt", "jwt" } };
    struct ownkey_kms *kms = open_approle();

    (void)state;
    expect(kms, OWNKEY_OK, "");
    expect(kms, OWNKEY_OK, "");
    assert_int_equal(double_number("calls login"), 1);
    ownkey_kms_free(kms);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        kms = vault_open_as("acme", "vault.auth", methods[i].method,
                            "vault.role", "app", "vault.jwt_file",
                            vault_path(methods[i].file), NULL);
        expect(kms, OWNKEY_OK, "");
        ownkey_kms_free(kms);
    }
}

static void
logs_in_with_a_certificate(void **state)
{
    char key[128];
    struct ownkey_kms *kms;

    (void)state;
    (void)snprintf(key, sizeof(key), "%s", vault_path("client.key"));
    kms = vault_open_as("acme", "vault.auth", "cert", "client_key", key,
                        "client_cert", vault_path("client.pem"), NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    setenv("VAULT_CLIENT_KEY", key, 1);
    setenv("VAULT_CLIENT_CERT", vault_path("client.pem"), 1);
    kms = vault_open_as("acme", "vault.auth", "cert", "vault.role", "app",
                        NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    kms = vault_open_as("acme", "vault.auth", "cert", "vault.role", "other",
                        NULL);
    expect(kms, OWNKEY_CREDENTIALS, "TLS certificate login at auth/cert");
    ownkey_kms_free(kms);
    unsetenv("VAULT_CLIENT_KEY");
    unsetenv("VAULT_CLIENT_CERT");
}

static void
logs_in_with_aws_credentials(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
           1);
    kms = vault_open_as("acme", "vault.auth", "aws", "vault.role", "app",
                        "vault.aws_server_id", "vault.example", NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    kms = vault_open_as("acme", "vault.auth", "aws", "vault.role", "app", NULL);
    expect(kms, OWNKEY_CREDENTIALS, "missing header");
    ownkey_kms_free(kms);
    setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
    kms = vault_open_as("acme", "vault.auth", "aws", "vault.role", "app",
                        "vault.aws_server_id", "vault.example", NULL);
    expect(kms, OWNKEY_CREDENTIALS, "InvalidSignature");
    ownkey_kms_free(kms);
    double_order("aws-identity AKIDTOKEN other "
                 "arn:aws:iam::111122223333:role/app some/+token=");
    double_order("write auth/aws/config/client "
                 "iam_server_id_header_value=vault.example "
                 "sts_endpoint=https://sts.eu-west-1.amazonaws.com "
                 "sts_region=eu-west-1");
    setenv("AWS_ACCESS_KEY_ID", "AKIDTOKEN", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "other", 1);
    setenv("AWS_SESSION_TOKEN", "some/+token=", 1);
    kms = vault_open_as("acme", "vault.auth", "aws", "vault.role", "app",
                        "vault.aws_server_id", "vault.example",
                        "vault.aws_region", "eu-west-1", NULL);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    clear_environment();
}

static void
says_why_a_login_is_refused(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    kms = vault_open_as("acme", "vault.auth", "approle", "vault.role_id", "no",
                        "vault.secret_id", "no", NULL);
    expect(kms, OWNKEY_CREDENTIALS, "invalid role or secret ID");
    expect(kms, OWNKEY_CREDENTIALS, "AppRole login at auth/approle");
    /* Servers count refused logins, and lock out. */
    assert_int_equal(double_number("calls login"), 1);
    ownkey_kms_free(kms);
    kms = vault_open_as("acme", "vault.auth", "jwt", "vault.role", "nobody",
                        "vault.jwt_file", vault_path("jwt"), NULL);
    expect(kms, OWNKEY_CREDENTIALS, "could not be found");
    ownkey_kms_free(kms);
    kms = vault_open_as("acme", "vault.auth", "jwt", "vault.role", "app",
                        "vault.auth_mount", "auth/okta", "vault.jwt_file",
                        vault_path("jwt"), NULL);
    expect(kms, OWNKEY_CREDENTIALS, "vault.auth_mount");
    ownkey_kms_free(kms);
    kms = vault_open_as("acme", "vault.auth", "kubernetes", "vault.role", "app",
                        NULL);
    expect(kms, OWNKEY_CREDENTIALS, "vault.jwt_file: /var/run/secrets");
    ownkey_kms_free(kms);
    double_order("jwt --claims '{\"exp\": 1700000000}' > %s",
                 vault_path("old.jwt"));
    kms = vault_open_as("acme", "vault.auth", "jwt", "vault.role", "app",
                        "vault.jwt_file", vault_path("old.jwt"), NULL);
    expect(kms, OWNKEY_CREDENTIALS, "expired");
    ownkey_kms_free(kms);
    kms = open_approle();
    double_order("lie mfa --operation login");
    expect(kms, OWNKEY_CREDENTIALS, "second factor");
    double_order("clear");
    double_order("write auth/approle/role/app token_num_uses=5");
    pause_ms(1100);
    expect(kms, OWNKEY_CREDENTIALS, "token_num_uses");
    double_order("write auth/approle/role/app token_num_uses=0");
    ownkey_kms_free(kms);
}

static void
logs_in_again_when_the_token_is_dead(void **state)
{
    struct ownkey_kms *kms = open_approle();

    (void)state;
    expect(kms, OWNKEY_OK, "");
    pause_ms(1100);
    double_order("revoke-token all");
    expect(kms, OWNKEY_OK, "");
    assert_int_equal(double_number("calls login"), 2);
    /* A policy is none of the token's business: no login. */
    double_order("policy kms ''");
    pause_ms(1100);
    expect(kms, OWNKEY_DENIED, "");
    assert_int_equal(double_number("calls login"), 2);
    ownkey_kms_free(kms);
    write_file("token", new_token(""));
}

/* Then a look-up is refused as well, and only a new login can tell. */
static void
finds_a_denial_without_the_default_policy(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    double_order("write auth/approle/role/app token_no_default_policy=true");
    kms = open_approle();
    expect(kms, OWNKEY_OK, "");
    pause_ms(1100);
    double_order("policy kms ''");
    double_order("clear");
    expect(kms, OWNKEY_DENIED, "");
    double_order("%s", policy);
    expect(kms, OWNKEY_OK, "");
    double_order("write auth/approle/role/app token_no_default_policy=false");
    ownkey_kms_free(kms);
}

static void
unwraps_a_secret_id_once(void **state)
{
    struct ownkey_kms *kms;
    char id[64];
    pid_t pid;
    int status;

    (void)state;
    (void)snprintf(id, sizeof(id), "%s", vault_file("role_id"));
    write_file("wrapping", double_text(
        "write auth/approle/role/app/secret-id --wrap-ttl 60s | "
        "sed -n 's/.*\"token\": \"\\([^\"]*\\)\".*/\\1/p'"));
    kms = vault_open_as("acme", "vault.auth", "approle", "vault.role_id", id,
                        "vault.secret_id_file", vault_path("wrapping"),
                        "vault.secret_id_wrapped", "yes", NULL);
    expect(kms, OWNKEY_OK, "");
    /* Kept for later logins, and for children. */
    pause_ms(1100);
    double_order("revoke-token all");
    expect(kms, OWNKEY_OK, "");
    pid = fork();
    if (pid == 0)
        _exit(vault_round(kms, NULL) == OWNKEY_OK ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ownkey_kms_free(kms);
    /* Whoever comes second learns that somebody was first. */
    kms = vault_open_as("acme", "vault.auth", "approle", "vault.role_id", id,
                        "vault.secret_id_file", vault_path("wrapping"),
                        "vault.secret_id_wrapped", "yes", NULL);
    expect(kms, OWNKEY_CREDENTIALS, "find out who used");
    ownkey_kms_free(kms);
    write_file("token", new_token(""));
}

/* ---- renewal ----------------------------------------------------------- */

static void
renews_while_that_helps(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    double_order("write auth/approle/role/app token_ttl=3 token_max_ttl=7");
    kms = open_approle();
    for (int i = 0; i < 80; i++) {
        expect(kms, OWNKEY_OK, "");
        pause_ms(100);
    }
    /* Renewed twice or so, then there is a new one: never a dead one. */
    assert_true(double_number("calls renew-self") >= 2);
    assert_true(double_number("calls login") >= 2);
    assert_true(double_number("calls login") <= 4);
    assert_int_equal(double_number("calls lookup-self"), 0);
    double_order("write auth/approle/role/app token_ttl=3600 token_max_ttl=0");
    ownkey_kms_free(kms);
}

static void
logs_in_again_where_nothing_is_renewable(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    double_order("write auth/approle/role/app token_ttl=2 token_type=batch");
    kms = open_approle();
    for (int i = 0; i < 25; i++) {
        expect(kms, OWNKEY_OK, "");
        pause_ms(100);
    }
    assert_int_equal(double_number("calls renew-self"), 0);
    assert_true(double_number("calls login") >= 2);
    double_order("write auth/approle/role/app token_ttl=3600 "
                 "token_type=service");
    ownkey_kms_free(kms);
}

/* ---- children ---------------------------------------------------------- */

static void
a_child_logs_in_by_itself(void **state)
{
    struct ownkey_kms *kms = open_approle();
    int status;
    pid_t pid;

    (void)state;
    expect(kms, OWNKEY_OK, "");
    pid = fork();
    if (pid == 0)
        _exit(vault_round(kms, NULL) == OWNKEY_OK ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(double_number("calls login"), 2);
    expect(kms, OWNKEY_OK, "");
    assert_int_equal(double_number("calls login"), 2);
    ownkey_kms_free(kms);
}

/* ---- agents ------------------------------------------------------------ */

static void
uses_an_agent(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    double_order("agent-token %s", vault_file("token"));
    double_order("require-request-header on");
    setenv("VAULT_AGENT_ADDR", vault_file("endpoint.agent"), 1);
    kms = open_with("hashivault://acme", OWNKEY_KEY_AES_256, &o);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    setenv("VAULT_AGENT_ADDR", vault_file("endpoint.agent-socket"), 1);
    kms = open_with("hashivault://acme", OWNKEY_KEY_AES_256, &o);
    expect(kms, OWNKEY_OK, "");
    ownkey_kms_free(kms);
    unsetenv("VAULT_AGENT_ADDR");
    add_option(&o, "vault.address", vault_file("endpoint.agent"));
    add_option(&o, "vault.auth", "agent");
    kms = open_with("hashivault://acme", OWNKEY_KEY_AES_256, &o);
    expect(kms, OWNKEY_OK, "");
    double_order("policy kms ''");
    expect(kms, OWNKEY_DENIED, "");
    double_order("%s", policy);
    double_order("agent-token hvs.dead");
    expect(kms, OWNKEY_CREDENTIALS, "agent's");
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
    double_order("agent-token %s", vault_file("token"));
}

/* ---- when it does not serve -------------------------------------------- */

static void
tells_what_ails_the_server(void **state)
{
    struct ownkey_kms *kms = vault_open_as(
        "acme", "vault.token_file", vault_path("token"), NULL);

    (void)state;
    double_order("seal");
    expect(kms, OWNKEY_UNREACHABLE, "sealed");
    double_order("unseal");
    expect(kms, OWNKEY_OK, "");
    double_order("node standby --redirect none");
    expect(kms, OWNKEY_UNREACHABLE, "no active");
    double_order("node standby --redirect https://evil.example");
    expect(kms, OWNKEY_UNREACHABLE, "vault.redirect_hosts");
    double_order("node standby --redirect %s", the_double.endpoint);
    expect(kms, OWNKEY_UNREACHABLE, "one redirect is followed");
    double_order("node active");
    double_order("throttle 1");
    expect(kms, OWNKEY_OK, "");
    double_order("fail 1 412");
    expect(kms, OWNKEY_OK, "");
    double_order("fail 1 503");
    expect(kms, OWNKEY_OK, "");
    double_order("lie wrap-info --operation decrypt");
    expect(kms, OWNKEY_DENIED, "approves");
    double_order("clear");
    double_order("lie error-body");
    expect(kms, OWNKEY_PROTOCOL, "");
    double_order("clear");
    double_order("lie key-version --operation encrypt");
    expect(kms, OWNKEY_PROTOCOL, "latest");
    double_order("clear");
    double_order("lie other-name");
    expect(kms, OWNKEY_PROTOCOL, "acme-other");
    double_order("clear");
    double_order("lie big --operation decrypt");
    expect(kms, OWNKEY_PROTOCOL, "");
    ownkey_kms_free(kms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, before_each, vault_after_each)
        T(takes_tokens_in_order),
        T(asks_nothing_about_a_given_token_at_first),
        T(tells_a_denial_from_a_dead_token),
        T(says_that_a_given_token_is_dead),
        T(reads_a_token_file_again),
        T(logs_in),
        T(logs_in_with_a_certificate),
        T(logs_in_with_aws_credentials),
        T(says_why_a_login_is_refused),
        T(logs_in_again_when_the_token_is_dead),
        T(finds_a_denial_without_the_default_policy),
        T(unwraps_a_secret_id_once),
        T(renews_while_that_helps),
        T(logs_in_again_where_nothing_is_renewable),
        T(a_child_logs_in_by_itself),
        T(uses_an_agent),
        T(tells_what_ails_the_server),
#undef T
    };

    return cmocka_run_group_tests(tests, start, stop);
}
