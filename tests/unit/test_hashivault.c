/* SPDX-License-Identifier: Apache-2.0 */
/* KEKs at the double of Vault: wrapped, opened, rewrapped, not made. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vault_help.h"

static int
start(void **state)
{
    (void)state;
    return vault_start("--key acme --key small=aes128-gcm96 "
                       "--key chacha=chacha20-poly1305 "
                       "--key derived=aes256-gcm96:derived --key rsa=rsa-2048 "
                       "--key gone --key new --key turn=aes256-gcm96:derived "
                       "--mount transit "
                       "--mount team-a/transit --namespace org "
                       "--namespace org/unit --key team-a/transit/acme");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

/* ---- wrap and unwrap --------------------------------------------------- */

static void
wraps_and_unwraps(void **state)
{
    static const struct {
        const char *key;
        const char *algorithm;
        const char *id;
    } keys[] = {
        { "acme", "symmetric", "transit/acme" },
        { "small", "symmetric", "transit/small" },
        { "chacha", "symmetric", "transit/chacha" },
        { "derived", "symmetric-derived", "transit/derived" },
        { "rsa", "rsa-oaep-sha256", "transit/rsa" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms =
            vault_open(keys[i].key, OWNKEY_KEY_AES_256, NULL);
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_error err = { 0 };

        if (wrap_text(kms, vault_plain, &w, &err) != OWNKEY_OK)
            fail_msg("%s: %s", keys[i].key, err.text);
        assert_string_equal(w.id, keys[i].id);
        assert_string_equal(w.version, "1");
        assert_string_equal(w.algorithm, keys[i].algorithm);
        assert_memory_equal(w.ciphertext.data, "vault:v1:", 9);
        assert_int_equal(vault_unwrap(kms, &w, &err), OWNKEY_OK);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

/* By the service, not by our header: the context is another one. */
static void
binds_the_context(void **state)
{
    static const char *const keys[] = { "acme", "chacha", "derived" };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i], OWNKEY_KEY_AES_256, NULL);
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context c = { 0 };
        struct ownkey_unwrap_request r;
        struct ownkey_secret plain = { 0 };
        uint64_t sent_ms;

        assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
        r = (struct ownkey_unwrap_request){
            w.id, w.version, w.algorithm, ownkey_blob_of(&w.ciphertext), &c
        };
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &plain, &sent_ms, NULL),
                         OWNKEY_DAMAGED);
        assert_int_equal(ownkey_context_add(&c, "a", "c", NULL), OWNKEY_OK);
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &plain, &sent_ms, NULL),
                         OWNKEY_DAMAGED);
        assert_true(ownkey_kms_binds_context(w.algorithm));
        ownkey_context_clear(&c);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

static void
works_without_a_context(void **state)
{
    static const char *const keys[] = { "acme", "derived" };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i], OWNKEY_KEY_AES_256, NULL);
        struct ownkey_secret plain = { 0 }, again = { 0 };
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context none = { 0 };
        struct ownkey_unwrap_request r;
        uint64_t sent_ms;

        assert_int_equal(ownkey_kms_generate(kms, 64, &none, &plain, &w,
                                             &sent_ms, NULL), OWNKEY_OK);
        r = (struct ownkey_unwrap_request){
            w.id, w.version, w.algorithm, ownkey_blob_of(&w.ciphertext), &none
        };
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &again, &sent_ms, NULL),
                         OWNKEY_OK);
        assert_true(ownkey_blob_equal(ownkey_blob_secret(&plain),
                                      ownkey_blob_secret(&again)));
        ownkey_secret_clear(&plain);
        ownkey_secret_clear(&again);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

/* What its maker wrote is compared, never asked. */
static void
refuses_what_another_key_wrapped(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w = { 0 }, bad;
    struct ownkey_bytes text = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("reset");
    bad = w;
    (void)snprintf(bad.id, sizeof(bad.id), "transit/other");
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    bad = w;
    (void)snprintf(bad.version, sizeof(bad.version), "2");
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    (void)snprintf(bad.version, sizeof(bad.version), "01");
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    bad = w;
    bad.algorithm = "aes-kw";
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    bad = w;
    assert_int_equal(ownkey_bytes_copy(&text, "vault:v1:\"}", 11), OWNKEY_OK);
    bad.ciphertext = text;
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    assert_int_equal(double_number("calls"), 0);
    ownkey_bytes_clear(&text);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
opens_old_versions_after_a_rotation(void **state)
{
    struct ownkey_kms *kms = vault_open("turn", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("rotate turn");
    assert_int_equal(vault_unwrap(kms, &w, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, vault_plain, &again, NULL), OWNKEY_OK);
    assert_string_equal(again.version, "2");
    double_order("min-version turn 2");
    assert_int_equal(vault_unwrap(kms, &again, NULL), OWNKEY_OK);
    assert_int_equal(vault_unwrap(kms, &w, &err), OWNKEY_DISABLED);
    assert_non_null(strstr(err.text, "min_decryption_version"));
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&again);
    ownkey_kms_free(kms);
}

static enum ownkey_status
rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
       const struct ownkey_wrap_reply *w, struct ownkey_wrap_reply *out)
{
    struct ownkey_context c = { 0 };
    const struct ownkey_unwrap_request request = {
        w->id, w->version, w->algorithm, ownkey_blob_of(&w->ciphertext), &c
    };
    enum ownkey_status st;

    assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
    st = ownkey_kms_rewrap(to, from, &request, out, NULL);
    ownkey_context_clear(&c);
    return st;
}

static void
rewraps_where_vault_can(void **state)
{
    struct ownkey_kms *derived =
        vault_open("derived", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_kms *rsa = vault_open("rsa", OWNKEY_KEY_RSA_2048, NULL);
    struct ownkey_kms *acme = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };

    (void)state;
    assert_int_equal(wrap_text(derived, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("rotate derived");
    assert_int_equal(rewrap(derived, derived, &w, &again), OWNKEY_OK);
    assert_string_equal(again.version, "2");
    assert_string_equal(again.algorithm, "symmetric-derived");
    assert_int_equal(vault_unwrap(derived, &again, NULL), OWNKEY_OK);
    assert_int_equal(rewrap(rsa, derived, &w, &again), OWNKEY_UNSUPPORTED);
    assert_int_equal(wrap_text(rsa, vault_plain, &w, NULL), OWNKEY_OK);
    assert_int_equal(rewrap(rsa, rsa, &w, &again), OWNKEY_OK);
    assert_int_equal(vault_unwrap(rsa, &again, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(acme, vault_plain, &w, NULL), OWNKEY_OK);
    assert_int_equal(rewrap(acme, acme, &w, &again), OWNKEY_UNSUPPORTED);
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&again);
    ownkey_kms_free(derived);
    ownkey_kms_free(rsa);
    ownkey_kms_free(acme);
}

static void
has_data_keys_made_where_that_binds(void **state)
{
    static const struct {
        const char *key;
        long made_there;
    } keys[] = { { "derived", 1 }, { "acme", 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i].key, OWNKEY_KEY_AES_256,
                                            "vault.data_key", "service", NULL);
        struct ownkey_secret plain = { 0 }, again = { 0 };
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context c = { 0 };
        struct ownkey_unwrap_request r;
        uint64_t sent_ms;

        double_order("reset");
        assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
        assert_int_equal(ownkey_kms_generate(kms, 32, &c, &plain, &w, &sent_ms,
                                             NULL), OWNKEY_OK);
        assert_int_equal(double_number("calls datakey"), keys[i].made_there);
        r = (struct ownkey_unwrap_request){
            w.id, w.version, w.algorithm, ownkey_blob_of(&w.ciphertext), &c
        };
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &again, &sent_ms, NULL),
                         OWNKEY_OK);
        assert_true(ownkey_blob_equal(ownkey_blob_secret(&plain),
                                      ownkey_blob_secret(&again)));
        ownkey_secret_clear(&plain);
        ownkey_secret_clear(&again);
        ownkey_wrap_reply_clear(&w);
        ownkey_context_clear(&c);
        ownkey_kms_free(kms);
    }
}

/* ---- no key is made by a mistyped name --------------------------------- */

static void
makes_no_key_by_a_mistyped_name(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    vault_address(&o);
    /* Root may create: Vault itself would. */
    add_option(&o, "vault.token", vault_file("root_token"));
    kms = open_with("hashivault://amce", OWNKEY_KEY_AES_256, &o);
    assert_int_equal(vault_round(kms, &err), OWNKEY_GONE);
    assert_non_null(strstr(err.text, "no such key"));
    assert_int_equal(double_number("keys | grep -c amce || true"), 0);
    assert_int_equal(double_number("calls encrypt"), 0);
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

/* Deleted by the customer: it must not come back to life. */
static void
leaves_a_deleted_key_dead(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    vault_address(&o);
    add_option(&o, "vault.token", vault_file("root_token"));
    kms = open_with("hashivault://gone", OWNKEY_KEY_AES_256, &o);
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("delete gone");
    assert_int_equal(vault_unwrap(kms, &w, NULL), OWNKEY_GONE);
    ownkey_wrap_reply_clear(&w);
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_GONE);
    assert_int_equal(double_number("keys | grep -c transit/gone || true"), 0);
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

static void
says_which_line_the_policy_lacks(void **state)
{
    struct ownkey_kms *kms = vault_open("new", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_kms *blind = vault_open("new", OWNKEY_KEY_AES_256,
                                          "vault.check_key", "no", NULL);
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("policy kms 'path \"transit/encrypt/new\" { capabilities = "
                 "[\"update\"] } path \"transit/decrypt/new\" { capabilities = "
                 "[\"update\"] }'");
    assert_int_equal(vault_round(kms, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "path \"transit/keys/new\""));
    assert_non_null(strstr(err.text, "vault.check_key"));
    assert_int_equal(vault_round(blind, &err), OWNKEY_OK);
    /* Without any permission it is the customer's no. */
    double_order("policy kms ''");
    assert_int_equal(vault_round(kms, &err), OWNKEY_DENIED);
    assert_int_equal(vault_round(blind, &err), OWNKEY_DENIED);
    assert_non_null(strstr(err.text, "\"update\" on \"transit/encrypt/new\""));
    double_order("policy kms 'path \"+/*\" { capabilities = [\"read\", "
                 "\"update\"] }'");
    assert_int_equal(vault_round(kms, &err), OWNKEY_OK);
    ownkey_kms_free(kms);
    ownkey_kms_free(blind);
}

/* ---- mounts and namespaces --------------------------------------------- */

static void
finds_mounts_and_namespaces(void **state)
{
    struct ownkey_kms *mount = vault_open("acme", OWNKEY_KEY_AES_256,
                                          "vault.mount", "/team-a/transit/",
                                          NULL);
    struct ownkey_kms *wrong = vault_open("acme", OWNKEY_KEY_AES_256,
                                          "vault.mount", "kv", NULL);
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *space;

    (void)state;
    double_order("policy kms 'path \"+/*\" { capabilities = [\"read\", "
                 "\"update\"] }'");
    assert_int_equal(wrap_text(mount, vault_plain, &w, &err), OWNKEY_OK);
    assert_string_equal(w.id, "team-a/transit/acme");
    ownkey_wrap_reply_clear(&w);
    assert_int_equal(wrap_text(wrong, vault_plain, &w, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "vault.mount"));
    double_order("create org/unit/transit/inner");
    vault_address(&o);
    add_option(&o, "vault.token", vault_file("root_token"));
    add_option(&o, "vault.namespace", "org/unit/");
    space = open_with("hashivault://inner", OWNKEY_KEY_AES_256, &o);
    assert_int_equal(wrap_text(space, vault_plain, &w, &err), OWNKEY_OK);
    assert_string_equal(w.id, "org/unit/transit/inner");
    assert_int_equal(vault_unwrap(space, &w, &err), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_options_clear(&o);
    ownkey_kms_free(mount);
    ownkey_kms_free(wrong);
    ownkey_kms_free(space);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, vault_before_each,             \
                                             vault_after_each)
        T(wraps_and_unwraps),
        T(binds_the_context),
        T(works_without_a_context),
        T(refuses_what_another_key_wrapped),
        T(opens_old_versions_after_a_rotation),
        T(rewraps_where_vault_can),
        T(has_data_keys_made_where_that_binds),
        T(makes_no_key_by_a_mistyped_name),
        T(leaves_a_deleted_key_dead),
        T(finds_mounts_and_namespaces),
        T(says_which_line_the_policy_lacks),
#undef T
    };

    return cmocka_run_group_tests(tests, start, stop);
}
