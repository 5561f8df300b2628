/* SPDX-License-Identifier: Apache-2.0 */
/* ownkey.conf as text: every rule of ownkey.conf(5), and its complaint. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/internal.h"

#define KEK "kek = localkms:///k\n"

static struct ownkey_conf *conf;
static struct ownkey_error err;

static enum ownkey_status
parse_bytes(const void *data, size_t len)
{
    struct ownkey_blob text = { data, len };

    ownkey_conf_free(conf);
    conf = NULL;
    err = (struct ownkey_error){ 0 };
    return ownkey_conf_parse("o.conf", text, &conf, &err);
}

static enum ownkey_status
parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

/* The file loads, and its first token is good. */
static struct ownkey_conf_token *
good(const char *text)
{
    if (parse(text) != OWNKEY_OK)
        fail_msg("%s: %s", text, err.text);
    assert_true(conf->token_count >= 1);
    if (conf->tokens[0].error.status != OWNKEY_OK)
        fail_msg("%s: %s", text, conf->tokens[0].error.text);
    return &conf->tokens[0];
}

static void
check_text(const struct ownkey_error *e, const char *start, const char *part)
{
    assert_int_equal(e->status, OWNKEY_CONFIG);
    if (strncmp(e->text, start, strlen(start)) != 0 ||
        strstr(e->text, part) == NULL)
        fail_msg("\"%s\" is not \"%s...%s\"", e->text, start, part);
}

/* The file loads, and its token number i complains. */
static void
bad_token(const char *text, size_t i, const char *start, const char *part)
{
    if (parse(text) != OWNKEY_OK)
        fail_msg("%s: %s", text, err.text);
    assert_true(i < conf->token_count);
    check_text(&conf->tokens[i].error, start, part);
}

/* The only key of token "a" complains, the token does not. */
static void
bad_key(const char *key_section, const char *start, const char *part)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "[a]\n" KEK "%s", key_section);
    (void)good(text);
    assert_int_equal(conf->tokens[0].key_count, 1);
    check_text(&conf->tokens[0].keys[0].error, start, part);
}

static void
bad_file(const char *text, const char *start, const char *part)
{
    assert_int_equal(parse(text), OWNKEY_CONFIG);
    assert_null(conf);
    check_text(&err, start, part);
}

/* One bad setting at line 3. */
static void
bad_setting(const char *setting, const char *part)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "[a]\n" KEK "%s\n", setting);
    bad_token(text, 0, "o.conf:3: ", part);
}

static void
reads_all_of_a_token(void **state)
{
    struct ownkey_conf_token *t =
        good("[global]\nlog = file:/var/log/o.log, debug\n"
             "audit = file:/var/log/a.jsonl\nsecure_memory = 256K\n"
             "mlock = require\n"
             "[acme] ; the first\n"
             "kek = awskms:///alias/a ; a comment\n"
             "cache = 90s\nprobe=30s\ngrace = 0s\nstore = /var/lib/a.db\n"
             "context.tenant = acme corp; inc\naws.region = eu-west-1\n"
             "timeout = 3s\nca_file = /etc/ca.pem\non_state = /bin/true\n"
             "# a comment\n\n[acme/www]\nkey = awskms:///alias/www\n"
             "aws.region = us-east-1\n[b]\n" KEK);

    (void)state;
    assert_int_equal(conf->log, OWNKEY_CONF_LOG_FILE);
    assert_string_equal(conf->log_path, "/var/log/o.log");
    assert_int_equal(conf->log_level, OWNKEY_LOG_DEBUG);
    assert_string_equal(conf->audit, "file:/var/log/a.jsonl");
    assert_int_equal(conf->secure_memory, 256 << 10);
    assert_int_equal(conf->mlock, OWNKEY_SECRET_REQUIRE);
    assert_int_equal(conf->token_count, 2);
    assert_string_equal(t->name, "acme");
    assert_string_equal(t->where, "o.conf:6");
    assert_string_equal(t->uri, "awskms:///alias/a");
    assert_int_equal(t->cache_ms, 90000);
    assert_int_equal(t->probe_ms, 30000);
    assert_int_equal(t->grace_ms, 0);
    assert_string_equal(t->store, "/var/lib/a.db");
    assert_string_equal(t->on_state, "/bin/true");
    assert_int_equal(t->context.len, 1);
    assert_string_equal(t->context.pairs[0].name, "tenant");
    assert_string_equal(t->context.pairs[0].value, "acme corp; inc");
    assert_string_equal(ownkey_options_get(&t->options, "timeout", ""), "3s");
    assert_int_equal(t->key_count, 1);
    assert_string_equal(t->keys[0].name, "www");
    assert_string_equal(t->keys[0].uri, "awskms:///alias/www");
    assert_string_equal(t->keys[0].where, "o.conf:19");
    assert_string_equal(t->keys[0].uri_where, "o.conf:20");
    assert_string_equal(t->uri_where, "o.conf:7");
}

static void
keys_override_the_options_of_their_token(void **state)
{
    struct ownkey_conf_token *t =
        good("[a/k]\nkey = awskms:///alias/k\naws.region = eu-north-1\n"
             "[a/l]\nkey = localkms:///l\n"
             "[a]\nkek = awskms:///alias/a\naws.region = eu-west-1\n"
             "aws.profile = p\ntimeout = 2s\n");
    const struct ownkey_options *k = &t->keys[0].options;
    const struct ownkey_options *l = &t->keys[1].options;

    (void)state;
    assert_string_equal(ownkey_options_get(k, "aws.region", ""), "eu-north-1");
    assert_string_equal(ownkey_options_get(k, "aws.profile", ""), "p");
    assert_string_equal(ownkey_options_find(k, "aws.profile")->where,
                        "o.conf:9");
    assert_string_equal(ownkey_options_get(k, "timeout", ""), "2s");
    /* Another service would not understand aws.region. */
    assert_null(ownkey_options_find(l, "aws.region"));
    assert_string_equal(ownkey_options_get(l, "timeout", ""), "2s");
}

static void
has_the_documented_defaults(void **state)
{
    struct ownkey_conf_token *t = good("[a]\n" KEK);

    (void)state;
    assert_int_equal(conf->log, OWNKEY_CONF_LOG_OFF);
    assert_int_equal(conf->log_level, OWNKEY_LOG_INFO);
    assert_int_equal(conf->secure_memory, 0);
    assert_null(conf->audit);
    assert_int_equal(t->cache_ms, 300 * 1000);
    assert_int_equal(t->probe_ms, 150 * 1000);
    assert_int_equal(t->grace_ms, 0);
    assert_false(t->no_refresh);
    assert_null(t->store);
    assert_int_equal(conf->unused.len, 0);
}

static void
tells_what_it_does_not_act_upon(void **state)
{
    struct ownkey_conf_token *t =
        good("[a]\n" KEK "probe = 30s\nstore = /s\ngrace = 1m\n"
             "on_state = /bin/true\ncache = off\n[global]\naudit = file:/a\n");

    (void)state;
    assert_string_equal(t->store, "/s");
    assert_int_equal(conf->unused.len, 1);
    assert_string_equal(conf->unused.items[0].name, "audit");
    assert_string_equal(conf->unused.items[0].where, "o.conf:9");
    t = good("[a]\n" KEK "store = none\n[global]\naudit = off\n");
    assert_null(t->store);
    assert_int_equal(conf->unused.len, 0);
}

static void
knows_the_names_of_caches(void **state)
{
    (void)state;
    assert_int_equal(good("[a]\n" KEK "cache = off\n")->cache_ms, 0);
    assert_int_equal(good("[a]\n" KEK "cache = conservative\n")->cache_ms,
                     60000);
    assert_int_equal(good("[a]\n" KEK "cache = balanced\n")->cache_ms, 300000);
    assert_int_equal(good("[a]\n" KEK "cache = performance\n")->cache_ms,
                     3600000);
    assert_int_equal(good("[a]\n" KEK "cache = 1h\n")->cache_ms, 3600000);
    bad_setting("cache = 5", "balanced (5m)");
    bad_setting("cache = 5 minutes", "balanced (5m)");
    bad_setting("cache = -5m", "balanced (5m)");
    bad_setting("cache = 0s", "off");
    bad_setting("cache = 99999999999999999999h", "balanced (5m)");
    bad_setting("cache = 721h", "720h");
    bad_setting("cache = balanced 5m", "balanced (5m)");
}

static void
wants_a_long_revocation_lag_accepted(void **state)
{
    (void)state;
    bad_setting("cache = 2h", "accept_revocation_lag = 2h");
    bad_setting("cache = 61m", "accept_revocation_lag = 61m");
    bad_token("[a]\n" KEK "cache = 2h\naccept_revocation_lag = 3h\n", 0,
              "o.conf:4: ", "the value of cache");
    bad_token("[a]\n" KEK "accept_revocation_lag = 3h\n", 0,
              "o.conf:3: ", "the value of cache");
    assert_int_equal(
        good("[a]\n" KEK "accept_revocation_lag = 120m\ncache = 2h\n")
            ->cache_ms,
        7200000);
}

static void
explains_bad_settings(void **state)
{
    (void)state;
    bad_setting("cahce = 5m", "did you mean cache?");
    bad_setting("Cache = 5m", "did you mean cache?");
    bad_setting("colour = red", "known here are kek, cache,");
    bad_setting("refresh = never", "ahead or at_use");
    bad_setting("probe = often", "from 1s to 24h");
    bad_setting("probe = 1ms", "from 1s to 24h");
    bad_setting("grace = long", "from 0s to 24h");
    bad_setting("leases = forest", "process or tree");
    bad_setting("leases = Tree", "process or tree");
    bad_setting("lease = tree", "did you mean leases?");
    bad_token("[a]\n" KEK "leases = tree\ncache_uses = 5\n", 0,
              "o.conf:3: ", "cache_uses is kept by each process");
    bad_token("[a]\n" KEK "leases = tree\ncache_bytes = 1M\n", 0,
              "o.conf:3: ", "cache_bytes is kept by each process");
    bad_token("[a]\n" KEK "cache = off\nleases = tree\n", 0, "o.conf:4: ",
              "cache = off is kept by each process");
    bad_setting("cache_uses = 0", "none or a number of operations");
    bad_setting("cache_uses = many", "none or a number of operations");
    bad_setting("cache_uses = 1K", "none or a number of operations");
    bad_setting("cache_uses = -1", "none or a number of operations");
    bad_setting("cache_bytes = 0", "none or bytes, such as 512M or 64G");
    bad_setting("cache_bytes = 1X", "none or bytes, such as 512M or 64G");
    bad_setting("cache_bytes = 1GB", "none or bytes, such as 512M or 64G");
    bad_setting("cache_bytes = 99999999T", "none or bytes");
    bad_setting("cache_entries = 0", "data keys from 1 to 1024");
    bad_setting("cache_entries = 1025", "data keys from 1 to 1024");
    bad_setting("store = relative.db", "none or an absolute path");
    bad_setting("on_state = alert", "an absolute path");
    bad_setting("ca_file = ca.pem", "an absolute path");
    bad_setting("timeout = 3", "a duration, such as");
    bad_setting("connect_timeout = 0s", "a longer duration");
    bad_setting("store =", "store has no value");
    bad_setting("kek = localkms:///2", "set a second time; it is at line 2");
    bad_setting("just words", "neither a [section] nor NAME = VALUE");
    bad_setting("just words ; a = b", "neither a [section] nor NAME = VALUE");
    bad_setting("= value", "neither a [section] nor NAME = VALUE");
    bad_setting("context.ownkey-x = 1", "reserved");
    bad_setting("context. = 1", "context.");
    bad_setting("public_key = key.pem", "an absolute path");
    bad_setting("public_key = /nonexistent/key.pem", "cannot be opened");
    bad_setting("public_key = /dev/null", "not a regular file");
}

static void
wants_a_kek_with_a_uri(void **state)
{
    (void)state;
    bad_token("[a]\ncache = 5m\n", 0, "o.conf:1: ", "has no kek");
    bad_token("\n[a]", 0, "o.conf:2: ", "has no kek");
    bad_token("[a]\nkek = arn:aws:kms:eu-west-1:1:key/1\n", 0,
              "o.conf:2: ", "write awskms:///");
    bad_token("[a]\nkek = alias/x\n", 0, "o.conf:2: ", "a KMS URI");
    bad_token("[a]\nkek = localkms://\n", 0, "o.conf:2: ", "a KMS URI");
    bad_token("[a]\nkek = localkms:///\n", 0, "o.conf:2: ", "a KMS URI");
    bad_token("[a]\nkek = localkms:/k\n", 0, "o.conf:2: ", "a KMS URI");
    bad_token("[a]\nkek = localkms:///a b\n", 0, "o.conf:2: ", "no blanks");
    bad_token("[a]\nkek = LOCALKMS:///k\n", 0, "o.conf:2: ", "a KMS URI");
    bad_token("[a]\nkek localkms:///k\n", 0, "o.conf:2: ", "unknown name");
    (void)good("[a]\nkek = pkcs11:token=x;object=y\n");
    (void)good("[a]\nkek = hashivault://key\n");
    (void)good("[a]\nkek = awskms://127.0.0.1:4566/alias/x\n");
}

static void
knows_whose_settings_are_whose(void **state)
{
    (void)state;
    bad_setting("contxt.tenant = acme", "start with context.");
    bad_setting("awskms.region = x", "unknown name");
    bad_setting(".x = y", "unknown name");
    bad_setting("aws.region = eu-west-1",
                "for keys in awskms, and this one is in localkms");
    bad_key("[a/k]\nkey = awskms:///alias/k\nlocalkms.delay = 1s\n",
            "o.conf:5: ", "for keys in localkms, and this one is in awskms");
    (void)good("[a]\nlocalkms.delay = 1s\n" KEK);
    (void)good("[a]\nkek = hashivault://k\nvault.mount = m\n");
}

static void
disables_a_bad_token_alone(void **state)
{
    (void)state;
    bad_token("[a]\nkek = nonsense\n[b]\n" KEK "[a/k]\nkey = localkms:///k\n",
              0, "o.conf:2: ", "a KMS URI");
    assert_int_equal(conf->tokens[1].error.status, OWNKEY_OK);
    /* A key of a bad token is no better than its token. */
    check_text(&conf->tokens[0].keys[0].error, "o.conf:2: ", "a KMS URI");
}

static void
names_both_places_of_a_duplicate(void **state)
{
    (void)state;
    bad_token("[a]\n" KEK "[b]\n" KEK "[a]\n" KEK, 0,
              "o.conf:5: ", "the first one is at o.conf:1");
    assert_int_equal(conf->token_count, 2);
    assert_int_equal(conf->tokens[1].error.status, OWNKEY_OK);
    bad_token("[a]\n" KEK "[a]\n", 0, "o.conf:3: ", "at o.conf:1");
    bad_key("[a/k]\nkey = localkms:///k\n[a/k]\nkey = localkms:///k\n",
            "o.conf:5: ", "the first one is at o.conf:3");
    bad_file("[global]\n[a]\n" KEK "[global]\n", "o.conf:4: ", "at o.conf:1");
}

static void
checks_names_of_sections(void **state)
{
    char text[256];

    (void)state;
    bad_token("[a b]\n" KEK, 0, "o.conf:1: ", "1 to 32 characters");
    assert_string_equal(conf->tokens[0].name, "a?b");
    bad_token("[]\n" KEK, 0, "o.conf:1: ", "1 to 32 characters");
    assert_string_equal(conf->tokens[0].name, "?");
    (void)snprintf(text, sizeof(text), "[%033d]\n" KEK, 0);
    bad_token(text, 0, "o.conf:1: ", "1 to 32 characters");
    (void)snprintf(text, sizeof(text), "[%032d]\n" KEK "[%032d/%032d]\n", 0, 0,
                   0);
    assert_int_equal(strlen(good(text)->name), 32);
    assert_int_equal(strlen(conf->tokens[0].keys[0].name), 32);
    bad_key("[a/b c]\nkey = localkms:///k\n", "o.conf:3: ", "1 to 32");
    bad_key("[a/]\nkey = localkms:///k\n", "o.conf:3: ", "1 to 32");
    bad_key("[a/b/c]\nkey = localkms:///k\n", "o.conf:3: ", "1 to 32");
    bad_token("[/b]\nkey = localkms:///k\n", 0, "o.conf:1: ", "1 to 32");
    bad_token("[a\n" KEK, 0, "o.conf:1: ", "no closing ']'");
    bad_token("[a] kek\n" KEK, 0, "o.conf:1: ", "only a comment");
    bad_token("[Global]\nlog = off\n", 0, "o.conf:1: ", "write [global]");
    bad_token("[global/x]\nkey = localkms:///k\n", 0, "o.conf:1: ", "no token");
}

static void
wants_a_token_for_a_key(void **state)
{
    (void)state;
    bad_token("[b]\n" KEK "[a/k]\nkey = localkms:///k\n", 1,
              "o.conf:3: ", "needs a section [a]");
    assert_string_equal(conf->tokens[1].name, "a");
    assert_int_equal(conf->tokens[1].keys[0].error.status, OWNKEY_CONFIG);
}

static void
explains_bad_keys(void **state)
{
    (void)state;
    bad_key("[a/k]\n", "o.conf:3: ", "has no key");
    bad_key("[a/k]\nkek = localkms:///k\n", "o.conf:4: ", "did you mean key?");
    bad_key("[a/k]\nkey = localkms:///k\ncache = 5m\n",
            "o.conf:5: ", "known here are key, type, usage, "
            "certificate, public_key");
    bad_key("[a/k]\nkey = localkms:///k\ncontext.a = b\n",
            "o.conf:5: ", "belongs to a token");
    bad_key("[a/k]\nkey = k\n", "o.conf:4: ", "a KMS URI");
    bad_key("[a/k]\nkey = localkms:///k\ncertificate = c.pem\n",
            "o.conf:5: ", "an absolute path");
    bad_key("[a/k]\nkey = localkms:///k\ncertificate = /nonexistent\n",
            "o.conf:5: certificate: /nonexistent", "cannot be opened");
    bad_key("[a/k]\nkey = localkms:///k\nusage = signing\n",
            "o.conf:5: ", "sign, decrypt, derive or mac");
    bad_key("[a/k]\nkey = localkms:///k\nusage = sign,\n",
            "o.conf:5: ", "sign, decrypt, derive or mac");
    bad_key("[a/k]\nkey = localkms:///k\nusage = sign sign\n",
            "o.conf:5: ", "sign, decrypt, derive or mac");
    bad_key("[a/k]\nkey = localkms:///k\nusage = sign, sign\n",
            "o.conf:5: ", "sign, decrypt, derive or mac");
    bad_key("[a/k]\nkey = localkms:///k\nusage = , sign\n",
            "o.conf:5: ", "sign, decrypt, derive or mac");
    bad_key("[a/k]\nkey = localkms:///k\ntype =\n", "o.conf:5: ",
            "type has no value");
}

/* Which types there are is for token/ to say. */
static void
keeps_type_and_usage_with_their_places(void **state)
{
    struct ownkey_conf_token *t =
        good("[a]\n" KEK "[a/k]\nkey = localkms:///k\ntype = hmac-sha256\n"
             "usage = mac\n[a/l]\nkey = localkms:///l\n"
             "usage = derive ,sign\n[a/m]\nkey = localkms:///m\n");

    (void)state;
    assert_string_equal(t->keys[0].type, "hmac-sha256");
    assert_string_equal(t->keys[0].type_where, "o.conf:5");
    assert_int_equal(t->keys[0].usage, OWNKEY_USAGE_MAC);
    assert_string_equal(t->keys[0].usage_where, "o.conf:6");
    assert_null(t->keys[1].type);
    assert_int_equal(t->keys[1].usage,
                     OWNKEY_USAGE_SIGN | OWNKEY_USAGE_DERIVE);
    assert_int_equal(t->keys[2].usage, 0);
}

static void
refuses_a_bad_global_section(void **state)
{
    (void)state;
    bad_file("[global]\nlog = loud\n", "o.conf:2: ", "off, syslog, stderr");
    bad_file("[global]\nlog = file:relative\n", "o.conf:2: ", "file:/PATH");
    bad_file("[global]\nlog = syslog, chatty\n",
             "o.conf:2: ", "error, warning, info or debug");
    bad_file("[global]\nlog = syslog,\n", "o.conf:2: ", "error, warning");
    bad_file("[global]\naudit = syslog\n", "o.conf:2: ", "off or file:/PATH");
    bad_file("[global]\nflush_dir = run\n", "o.conf:2: ",
             "none or an absolute path");
    bad_file("[global]\nmlock = yes\n", "o.conf:2: ",
             "try, require or secret");
    bad_file("[global]\nsecure_memory = 1K\n", "o.conf:2: ", "between 64K");
    bad_file("[global]\nsecure_memory = 65M\n", "o.conf:2: ", "between 64K");
    bad_file("[global]\nsecure_memory = 1MB\n", "o.conf:2: ", "between 64K");
    bad_file("[global]\nsecure_memory = 18446744073709551617\n",
             "o.conf:2: ", "between 64K");
    bad_file("[global]\nlogg = off\n", "o.conf:2: ", "did you mean log?");
    bad_file("[global]\nwords\n", "o.conf:2: ", "neither a [section]");
    bad_file("log = off\n", "o.conf:1: ", "before the first section");
    bad_file("[global]\nlog = off\nlog = off\n", "o.conf:3: ", "line 2");
}

static void
reads_every_log_target(void **state)
{
    (void)state;
    assert_int_equal(parse("[global]\nlog = syslog\n"), OWNKEY_OK);
    assert_int_equal(conf->log, OWNKEY_CONF_LOG_SYSLOG);
    assert_int_equal(parse("[global]\nlog = stderr,error\n"), OWNKEY_OK);
    assert_int_equal(conf->log, OWNKEY_CONF_LOG_STDERR);
    assert_int_equal(conf->log_level, OWNKEY_LOG_ERROR);
    assert_int_equal(parse("[global]\nlog = off , warning\n"), OWNKEY_OK);
    assert_int_equal(conf->log_level, OWNKEY_LOG_WARNING);
}

static void
never_shows_a_credential(void **state)
{
    (void)state;
    bad_token("[a]\nkek = awskms:///alias/k\n"
              "aws.secret_access_key = hush\naws.secret_access_key = hush\n",
              0, "o.conf:4: ", "second time");
    assert_null(strstr(conf->tokens[0].error.text, "hush"));
    bad_token("[a]\n" KEK "secret_access_key = hush\n", 0,
              "o.conf:3: ", "unknown name");
    assert_null(strstr(conf->tokens[0].error.text, "hush"));
    assert_true(ownkey_conf_is_credential("aws.secret_access_key"));
    assert_true(ownkey_conf_is_credential("aws.session_token"));
    assert_true(ownkey_conf_is_credential("pkcs11.pin"));
    assert_false(ownkey_conf_is_credential("aws.web_identity_token_file"));
    assert_false(ownkey_conf_is_credential("aws.access_key_id"));
    assert_false(ownkey_conf_is_credential("context.token"));
}

static void
takes_text_as_editors_write_it(void **state)
{
    (void)state;
    (void)good("[a]\r\nkek = localkms:///k\r\n");
    assert_string_equal(conf->tokens[0].uri, "localkms:///k");
    (void)good("\xef\xbb\xbf[a]\nkek = localkms:///k");
    assert_string_equal(conf->tokens[0].uri, "localkms:///k");
    /* Indented lines are settings of their own, not continuations. */
    (void)good("  [ a ]\n  kek = localkms:///k\n    cache = 1m\n");
    assert_int_equal(conf->tokens[0].cache_ms, 60000);
    (void)good("[a] # x\nkek=localkms:///k\t; y\n;cache = nonsense\n");
    assert_int_equal(parse(""), OWNKEY_OK);
    assert_int_equal(conf->token_count, 0);
    assert_int_equal(parse("; nothing\n\n\n"), OWNKEY_OK);
    assert_int_equal(conf->token_count, 0);
}

static void
refuses_a_line_that_is_too_long(void **state)
{
    char text[4096];
    char value[1025];

    (void)state;
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "[a]\n" KEK "context.x = %s\n[b]\n" KEK,
                   value);
    bad_token(text, 0, "o.conf:3: ", "1036 characters long; at most");
    assert_int_equal(conf->tokens[1].error.status, OWNKEY_OK);
    (void)snprintf(text, sizeof(text), "; %s\n[a]\n" KEK "# %s\n", value,
                   value);
    (void)good(text);
    /* The longest line that fits arrives whole. */
    (void)snprintf(text, sizeof(text), "[a]\n" KEK "context.x = %.180s\n",
                   value);
    assert_int_equal(strlen(good(text)->context.pairs[0].value), 180);
}

static void
refuses_what_is_no_text(void **state)
{
    static const char nul[] = "[a]\nkek = local\0kms:///k\n";
    static const char wide[] = "\xff\xfe[\0a\0]\0";
    uint8_t *noise = malloc(1 << 20);
    uint32_t x = 1;

    (void)state;
    assert_int_equal(parse_bytes(nul, sizeof(nul) - 1), OWNKEY_CONFIG);
    check_text(&err, "o.conf:2: ", "control character (0x00)");
    assert_int_equal(parse_bytes(wide, sizeof(wide) - 1), OWNKEY_CONFIG);
    check_text(&err, "o.conf:1: ", "control character");
    bad_file("[a]\n\x1b[31mkek\n", "o.conf:2: ", "(0x1b)");
    assert_non_null(noise);
    for (size_t i = 0; i < 1 << 20; i++) {
        x = x * 1664525 + 1013904223;
        noise[i] = (uint8_t)(x >> 24);
    }
    assert_int_equal(parse_bytes(noise, 1 << 20), OWNKEY_CONFIG);
    for (size_t i = 0; i < 1 << 20; i++) /* noise that could be text */
        noise[i] = noise[i] < 0x20 ? '\n' : noise[i] & 0x7e;
    assert_int_equal(parse_bytes(noise, 1 << 20), OWNKEY_CONFIG);
    for (size_t i = 0; i < 1 << 20; i++)
        noise[i] = (uint8_t) "[a]\n"[i % 4];
    assert_int_equal(parse_bytes(noise, 1 << 20), OWNKEY_CONFIG);
    check_text(&err, "o.conf:32769: ", "more than 32768 sections");
    free(noise);
}

static void
limits_settings_in_a_section(void **state)
{
    char *text = calloc(1, 16384);
    size_t used;

    (void)state;
    assert_non_null(text);
    used = (size_t)sprintf(text, "[a]\n" KEK);
    for (int i = 0; i < 300; i++)
        used += (size_t)sprintf(text + used, "localkms.x%d = 1\n", i);
    bad_token(text, 0, "o.conf:258: ", "more than 256 settings");
    free(text);
}

/* Every prefix and every flipped bit is an answer, not a crash. */
static void
survives_cut_and_changed_files(void **state)
{
    static const char text[] =
        "[global]\nlog = syslog, info\n[a]\nkek = awskms:///alias/a\n"
        "cache = 2h\naccept_revocation_lag = 2h\ncontext.t = v\n[a/k]\n"
        "key = awskms:///alias/k\naws.region = eu-west-1\n";
    char copy[sizeof(text)];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        (void)parse_bytes(text, i);
    for (size_t i = 0; i < (sizeof(text) - 1) * 8; i++) {
        memcpy(copy, text, sizeof(text));
        copy[i / 8] = (char)(copy[i / 8] ^ (1 << (i % 8)));
        if (parse_bytes(copy, sizeof(text) - 1) != OWNKEY_OK)
            assert_int_equal(err.status, OWNKEY_CONFIG);
    }
}

static int
clean(void **state)
{
    (void)state;
    ownkey_conf_free(conf);
    conf = NULL;
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_all_of_a_token, clean),
        cmocka_unit_test_teardown(keys_override_the_options_of_their_token,
                                  clean),
        cmocka_unit_test_teardown(has_the_documented_defaults, clean),
        cmocka_unit_test_teardown(tells_what_it_does_not_act_upon, clean),
        cmocka_unit_test_teardown(knows_the_names_of_caches, clean),
        cmocka_unit_test_teardown(wants_a_long_revocation_lag_accepted, clean),
        cmocka_unit_test_teardown(explains_bad_settings, clean),
        cmocka_unit_test_teardown(wants_a_kek_with_a_uri, clean),
        cmocka_unit_test_teardown(knows_whose_settings_are_whose, clean),
        cmocka_unit_test_teardown(disables_a_bad_token_alone, clean),
        cmocka_unit_test_teardown(names_both_places_of_a_duplicate, clean),
        cmocka_unit_test_teardown(checks_names_of_sections, clean),
        cmocka_unit_test_teardown(wants_a_token_for_a_key, clean),
        cmocka_unit_test_teardown(explains_bad_keys, clean),
        cmocka_unit_test_teardown(keeps_type_and_usage_with_their_places,
                                  clean),
        cmocka_unit_test_teardown(refuses_a_bad_global_section, clean),
        cmocka_unit_test_teardown(reads_every_log_target, clean),
        cmocka_unit_test_teardown(never_shows_a_credential, clean),
        cmocka_unit_test_teardown(takes_text_as_editors_write_it, clean),
        cmocka_unit_test_teardown(refuses_a_line_that_is_too_long, clean),
        cmocka_unit_test_teardown(refuses_what_is_no_text, clean),
        cmocka_unit_test_teardown(limits_settings_in_a_section, clean),
        cmocka_unit_test_teardown(survives_cut_and_changed_files, clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
