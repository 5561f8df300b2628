/* SPDX-License-Identifier: Apache-2.0 */
/* An HSM that fails, stalls and lies. */
#include "tests/unit/bad_hsm_help.h"

#include "base/libctx.h"

/* ---- it goes away and comes back ------------------------------------- */

static void
recovers_from_whatever_an_outage_leaves(void **state)
{
    static const struct {
        const char *function;
        CK_RV rv;
    } cases[] = {
        { "EncryptInit", CKR_SESSION_HANDLE_INVALID },
        { "EncryptInit", CKR_SESSION_CLOSED },
        { "Encrypt", CKR_DEVICE_ERROR },
        { "Encrypt", CKR_DEVICE_REMOVED },
        { "Encrypt", CKR_TOKEN_NOT_PRESENT },
        { "EncryptInit", CKR_CRYPTOKI_NOT_INITIALIZED },
        { "EncryptInit", CKR_USER_NOT_LOGGED_IN },
        { "EncryptInit", CKR_KEY_HANDLE_INVALID },
        { "EncryptInit", CKR_OBJECT_HANDLE_INVALID },
        { "OpenSession", CKR_SLOT_ID_INVALID },
        { "GetSessionInfo", CKR_SESSION_HANDLE_INVALID },
        { "Login", CKR_DEVICE_ERROR },
        { "FindObjectsInit", CKR_SESSION_HANDLE_INVALID },
        { "GetTokenInfo", CKR_CRYPTOKI_NOT_INITIALIZED },
        { "GetSlotList", CKR_CRYPTOKI_NOT_INITIALIZED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms = bad_open(NULL);
        struct ownkey_error err;

        expect_wrap(kms, OWNKEY_OK, NULL);
        if (strcmp(cases[i].function, "EncryptInit") != 0 &&
            strcmp(cases[i].function, "Encrypt") != 0)
            switch_off_and_on();
        fail_in(cases[i].function, cases[i].rv, 1);
        if (wrap_status(kms, &err) != OWNKEY_OK)
            fail_msg("C_%s 0x%lx: %s", cases[i].function, cases[i].rv,
                     err.text);
        assert_int_equal(bad->fail_times, 0);
        hsm_round_trip(kms, 64);
        ownkey_kms_free(kms);
    }
}

static void
a_reset_of_the_device_is_one_new_login(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    hsm_round_trip(kms, 64);
    assert_int_equal(bad->logins, 1);
    switch_off_and_on();
    hsm_round_trip(kms, 64);
    assert_int_equal(bad->logins, 2);
    assert_int_equal(bad->initialized, 0); /* by an earlier test */
    ownkey_kms_free(kms);
}

/* The host finalised the module that it has in common with us. */
static void
is_initialised_again_when_the_host_finalised_it(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    hsm_round_trip(kms, 64);
    {
        CK_RV (*get)(CK_FUNCTION_LIST **);
        CK_FUNCTION_LIST *p11;
        void *so = dlopen(bad_module, RTLD_NOW | RTLD_NOLOAD);

        *(void **)&get = dlsym(so, "C_GetFunctionList");
        assert_int_equal(get(&p11), CKR_OK);
        assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    }
    hsm_round_trip(kms, 64);
    assert_int_equal(bad->initialized, 1);
    ownkey_kms_free(kms);
}

static void
a_token_that_is_away_is_unreachable_until_it_is_back(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    hsm_round_trip(kms, 64);
    lock();
    bad->no_token = true;
    unlock();
    for (int i = 0; i < 3; i++)
        expect_wrap(kms, OWNKEY_UNREACHABLE, "no token");
    lock();
    bad->no_token = false;
    unlock();
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
}

static void
sessions_are_not_leaked_by_errors(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);
    struct ownkey_error err;

    (void)state;
    for (int i = 0; i < 40; i++) {
        fail_in("Encrypt",
                i % 2 == 0 ? CKR_DEVICE_ERROR : CKR_OPERATION_NOT_INITIALIZED,
                -1);
        (void)wrap_status(kms, &err);
        switch_off_and_on();
    }
    fail_in("Encrypt", CKR_DEVICE_ERROR, 30);
    for (int i = 0; i < 10; i++)
        (void)wrap_status(kms, &err);
    assert_true(bad->sessions <= 1);
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
}

/* ---- denied, and gone ------------------------------------------------ */

static void
a_key_taken_away_is_gone_and_comes_back(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
    lock();
    bad->no_key = true;
    unlock();
    assert_int_equal(hsm_unwrap_reply(kms, &reply, &plain, &err), OWNKEY_GONE);
    /* Nor is it seen in a session that is lost: that says nothing of it. */
    fail_in("GetSessionInfo", CKR_DEVICE_REMOVED, -1);
    assert_int_equal(hsm_unwrap_reply(kms, &reply, &plain, &err),
                     OWNKEY_UNREACHABLE);
    fail_in(NULL, CKR_OK, 0);
    lock();
    bad->no_key = false;
    unlock();
    hsm_ok(hsm_unwrap_reply(kms, &reply, &plain, &err), &err);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(kms);
}

static void
a_key_that_may_not_be_used_is_denied_until_it_may(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    hsm_round_trip(kms, 64);
    lock();
    bad->key_forbidden = true;
    unlock();
    expect_wrap(kms, OWNKEY_DENIED, "C_EncryptInit");
    expect_wrap(kms, OWNKEY_DENIED, "attributes of the key");
    lock();
    bad->key_forbidden = false;
    unlock();
    expect_wrap(kms, OWNKEY_OK, NULL);
    ownkey_kms_free(kms);
}

/* Its objects are hidden then, which is not the same as gone. */
static void
a_logout_behind_our_back_is_no_loss_of_the_key(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);
    void *so = dlopen(bad_module, RTLD_NOW | RTLD_NOLOAD);
    bool *logged_in = dlsym(so, "bad_hsm_logged_in");

    (void)state;
    hsm_round_trip(kms, 64);
    lock();
    *logged_in = false;
    unlock();
    hsm_round_trip(kms, 64);
    assert_int_equal(bad->logins, 2);
    ownkey_kms_free(kms);
}

static void
a_second_key_of_that_name_is_not_guessed_at(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    lock();
    bad->two_keys = true;
    unlock();
    switch_off_and_on();
    expect_wrap(kms, OWNKEY_CONFIG, "fits 2 keys");
    ownkey_kms_free(kms);
}

/* ---- PINs ------------------------------------------------------------ */

static void
a_wrong_pin_is_tried_once(void **state)
{
    struct ownkey_kms *one, *two;

    (void)state;
    hsm_write(hsm_pin_file, "4321", 0600);
    one = bad_open(NULL);
    two = bad_open(NULL);
    expect_wrap(one, OWNKEY_CREDENTIALS, "C_Login");
    for (int i = 0; i < 5; i++) {
        expect_wrap(one, OWNKEY_CREDENTIALS, "not tried again");
        expect_wrap(two, OWNKEY_CREDENTIALS, hsm_pin_file);
    }
    assert_int_equal(bad->wrong_pins, 1);
    hsm_write(hsm_pin_file, "1234", 0600);
    hsm_round_trip(one, 64);
    hsm_round_trip(two, 64);
    assert_int_equal(bad->wrong_pins, 1);
    ownkey_kms_free(one);
    ownkey_kms_free(two);
}

/* The thread sanitizer takes the gate, made anew in the child, for a held one. */
#ifndef __SANITIZE_THREAD__
/* Eight workers of a server, all with the wrong PIN. */
static void
children_know_what_was_tried(void **state)
{
    struct ownkey_kms *kms;
    int in_parent[2], tries = 0;
    pid_t pids[8];

    (void)state;
    hsm_write(hsm_pin_file, "4321x", 0600);
    kms = bad_open(NULL);
    assert_int_equal(pipe(in_parent), 0);
    for (int i = 0; i < 8; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct ownkey_error err;
            enum ownkey_status st = wrap_status(kms, &err);
            char n = (char)bad->wrong_pins; /* of this process */

            if (write(in_parent[1], &n, 1) != 1)
                _exit(2);
            _exit(st == OWNKEY_CREDENTIALS ? 0 : 1);
        }
    }
    for (int i = 0; i < 8; i++) {
        int status = 0;
        char n = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
        assert_int_equal(read(in_parent[0], &n, 1), 1);
        tries += n;
    }
    assert_int_equal(tries, 1);
    (void)close(in_parent[0]);
    (void)close(in_parent[1]);
    ownkey_kms_free(kms);
}
#endif

static void
the_last_try_is_left_to_a_person(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    lock();
    bad->tries = 1;
    unlock();
    expect_wrap(kms, OWNKEY_CREDENTIALS, "one try");
    lock();
    bad->tries = 0;
    unlock();
    expect_wrap(kms, OWNKEY_CREDENTIALS, "security officer");
    assert_int_equal(bad->logins, 0);
    lock();
    bad->tries = 3;
    unlock();
    expect_wrap(kms, OWNKEY_OK, NULL);
    ownkey_kms_free(kms);
}

static void
pin_from_the_environment(void **state)
{
    struct ownkey_kms *kms =
        hsm_open(bad_module, "token=bad;object=kek", OWNKEY_KEY_AES_256,
                 "pkcs11.pin_env=OWNKEY_TEST_PIN", "timeout=3s", NULL);

    (void)state;
    (void)unsetenv("OWNKEY_TEST_PIN");
    expect_wrap(kms, OWNKEY_CREDENTIALS, "OWNKEY_TEST_PIN");
    assert_int_equal(bad->logins, 0);
    assert_int_equal(setenv("OWNKEY_TEST_PIN", "1234", 1), 0);
    expect_wrap(kms, OWNKEY_OK, NULL);
    (void)unsetenv("OWNKEY_TEST_PIN");
    ownkey_kms_free(kms);
}

static void
pin_files_that_are_not_taken(void **state)
{
    static const struct {
        const char *text;
        unsigned mode;
        const char *want;
    } cases[] = {
        { "1234", 0644, "open to others" }, { "1234", 0640, "" },
        { "1234", 0622, "open to others" }, { "", 0600, "empty" },
        { NULL, 0, "cannot be opened" },
    };
    char longer[400];

    (void)state;
    memset(longer, '1', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms = bad_open(NULL);

        hsm_write(hsm_pin_file, cases[i].text, cases[i].mode);
        /* Of root's file the group may be the reader. */
        if (cases[i].mode == 0640 && geteuid() == 0)
            expect_wrap(kms, OWNKEY_OK, NULL);
        else
            expect_wrap(kms, OWNKEY_CREDENTIALS, cases[i].want);
        switch_off_and_on();
        ownkey_kms_free(kms);
    }
    hsm_write(hsm_pin_file, longer, 0600);
    {
        struct ownkey_kms *kms = bad_open(NULL);

        expect_wrap(kms, OWNKEY_CREDENTIALS, "longer than");
        ownkey_kms_free(kms);
    }
    assert_int_equal(bad->wrong_pins, 0);
}

static void
without_a_pin_the_key_is_not_seen(void **state)
{
    struct ownkey_kms *with = bad_open(NULL);
    struct ownkey_kms *without = hsm_open(
        bad_module, "token=bad;object=kek", OWNKEY_KEY_AES_256, "timeout=3s",
        NULL);

    (void)state;
    expect_wrap(without, OWNKEY_CREDENTIALS, "without a login");
    expect_wrap(with, OWNKEY_OK, NULL); /* not misled by the other one */
    expect_wrap(without, OWNKEY_OK, NULL); /* the token is logged in now */
    ownkey_kms_free(with);
    ownkey_kms_free(without);
}

static void
a_pin_pad_needs_no_pin(void **state)
{
    struct ownkey_kms *kms =
        hsm_open(bad_module, "token=bad;model=M;object=kek",
                 OWNKEY_KEY_AES_256, "timeout=3s", NULL);

    (void)state;
    lock();
    bad->pad_login = true;
    unlock();
    expect_wrap(kms, OWNKEY_OK, NULL);
    assert_int_equal(bad->logins, 1);
    ownkey_kms_free(kms);
}

static void
a_key_that_wants_its_pin_each_time_gets_it(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    lock();
    bad->always_authenticate = true;
    unlock();
    switch_off_and_on();
    hsm_round_trip(kms, 64);
    hsm_round_trip(kms, 64);
    assert_int_equal(bad->logins, 3);
    ownkey_kms_free(kms);
}

/* ---- sessions -------------------------------------------------------- */

static void
a_token_without_a_free_session_is_throttled(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    fail_in("OpenSession", CKR_SESSION_COUNT, -1);
    switch_off_and_on();
    expect_wrap(kms, OWNKEY_THROTTLED, "sessions");
    fail_in(NULL, CKR_OK, 0);
    expect_wrap(kms, OWNKEY_OK, NULL);
    ownkey_kms_free(kms);
}

static void
an_hsm_without_read_only_sessions_gets_the_other_kind(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    lock();
    bad->no_read_only = true;
    unlock();
    switch_off_and_on();
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
}

/* ---- time ------------------------------------------------------------ */

static bool
is_busy(void)
{
    bool busy;

    lock();
    busy = bad->busy > 0;
    unlock();
    return busy;
}

static void
let_go(void)
{
    lock();
    bad->hang_in = NULL;
    (void)pthread_cond_broadcast(&bad->changed);
    unlock();
    for (int i = 0; i < 500 && is_busy(); i++)
        (void)usleep(10000);
    (void)usleep(100000);
}

static void
hang(const char *function)
{
    lock();
    bad->hang_in = function;
    unlock();
}

static void
a_hanging_hsm_hangs_nobody(void **state)
{
    static const char *const functions[] = { "Encrypt", "EncryptInit",
                                             "FindObjects", "Login",
                                             "OpenSession", "GetTokenInfo" };

    (void)state;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        char place[64];
        struct ownkey_kms *kms;

        (void)snprintf(place, sizeof(place), "token=bad;slot-id=7;object=kek");
        kms = hsm_open(bad_module, place, OWNKEY_KEY_AES_256, pin_option,
                       "timeout=700ms", NULL);
        switch_off_and_on();
        hang(functions[i]);
        expect_wrap(kms, OWNKEY_UNREACHABLE, NULL);
        let_go();
        expect_wrap(kms, OWNKEY_OK, NULL);
        ownkey_kms_free(kms);
    }
}

static void
when_all_sessions_hang_the_next_caller_hears_it_at_once(void **state)
{
    struct ownkey_kms *kms = hsm_open(
        bad_module, "token=bad;serial=BAD1;object=kek", OWNKEY_KEY_AES_256,
        pin_option, "timeout=700ms", "pkcs11.sessions=2", NULL);

    (void)state;
    hsm_round_trip(kms, 64);
    hang("Encrypt");
    expect_wrap(kms, OWNKEY_UNREACHABLE, "no answer");
    expect_wrap(kms, OWNKEY_UNREACHABLE, "no answer");
    expect_wrap(kms, OWNKEY_UNREACHABLE, "all 2 sessions");
    let_go();
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
}

/* Freed while a call of it still runs: what it works on is its own. */
static void
a_key_may_be_freed_while_its_call_hangs(void **state)
{
    struct ownkey_kms *kms =
        hsm_open(bad_module, "token=bad;slot-id=7;object=kek",
                 OWNKEY_KEY_AES_256, pin_option, "timeout=700ms", NULL);

    (void)state;
    hang("Encrypt");
    expect_wrap(kms, OWNKEY_UNREACHABLE, "no answer");
    ownkey_kms_free(kms);
    let_go();
}

/* ---- lies ------------------------------------------------------------ */

static void
lies_are_not_believed(void **state)
{
    static const struct {
        enum bad_lie lie;
        enum ownkey_status status;
    } cases[] = {
        { BAD_LIE_LENGTH, OWNKEY_PROTOCOL },
        { BAD_LIE_SHORT, OWNKEY_PROTOCOL },
        { BAD_LIE_ATTRIBUTE, OWNKEY_PROTOCOL },
        { BAD_LIE_FIND, OWNKEY_PROTOCOL },
        { BAD_LIE_SLOTS, OWNKEY_UNREACHABLE },
        { BAD_LIE_SESSION, OWNKEY_PROTOCOL },
        { BAD_LIE_ULONG, OWNKEY_PROTOCOL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms = bad_open(NULL);
        struct ownkey_error err;

        expect_wrap(kms, OWNKEY_OK, NULL);
        switch_off_and_on();
        /* So that token and key are looked for again. */
        fail_in("OpenSession", CKR_SLOT_ID_INVALID, 1);
        lock();
        bad->lie = cases[i].lie;
        unlock();
        if (wrap_status(kms, &err) != cases[i].status)
            fail_msg("lie %d: %s: %s", cases[i].lie,
                     ownkey_status_name(err.status), err.text);
        lock();
        bad->lie = BAD_LIE_NONE;
        unlock();
        expect_wrap(kms, OWNKEY_OK, NULL);
        ownkey_kms_free(kms);
    }
}

static void
lies_about_what_was_unwrapped(void **state)
{
    static const enum bad_lie lies[] = { BAD_LIE_LENGTH, BAD_LIE_SHORT };

    (void)state;
    for (int kwp = 0; kwp < 3; kwp++) {
        struct ownkey_kms *kms;
        struct ownkey_wrap_reply reply = { 0 };
        struct ownkey_secret plain = { 0 };
        struct ownkey_error err = { 0 };

        lock();
        bad->kwp = (enum bad_kwp)kwp;
        unlock();
        switch_off_and_on();
        kms = bad_open(kwp > 0 ? "pkcs11.mechanism=aes-kwp" : NULL);
        hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
        for (int i = 0; i < 2; i++) {
            lock();
            bad->lie = lies[i];
            unlock();
            /* C_GetAttributeValue has a lie of its own; and with key wrap
               only the commitment tells 63 bytes from 64. */
            if (kwp == BAD_KWP_KEY ||
                (kwp == BAD_KWP_CIPHER && lies[i] == BAD_LIE_SHORT))
                continue;
            assert_int_not_equal(hsm_unwrap_reply(kms, &reply, &plain, &err),
                                 OWNKEY_OK);
            assert_int_equal(plain.len, 0);
        }
        lock();
        bad->lie = BAD_LIE_NONE;
        unlock();
        hsm_ok(hsm_unwrap_reply(kms, &reply, &plain, &err), &err);
        ownkey_secret_clear(&plain);
        ownkey_wrap_reply_clear(&reply);
        ownkey_kms_free(kms);
    }
}

static void
signatures_of_a_wrong_length_are_refused(void **state)
{
    struct ownkey_kms *kms =
        hsm_open(bad_module, "token=bad;object=ec", OWNKEY_KEY_EC_P256,
                 pin_option, "timeout=3s", NULL);
    uint8_t digest[32] = { 1 };
    const struct ownkey_sign_request request = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_SHA256,
        .input = { digest, sizeof(digest) },
    };
    struct ownkey_bytes signature = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    hsm_ok(ownkey_kms_sign(kms, &request, &signature, &err), &err);
    assert_int_equal(signature.len, 2 + 2 * (2 + 32));
    assert_int_equal(signature.data[0], 0x30);
    lock();
    bad->lie = BAD_LIE_SHORT;
    unlock();
    assert_int_equal(ownkey_kms_sign(kms, &request, &signature, &err),
                     OWNKEY_PROTOCOL);
    lock();
    bad->lie = BAD_LIE_LENGTH;
    unlock();
    assert_int_equal(ownkey_kms_sign(kms, &request, &signature, &err),
                     OWNKEY_PROTOCOL);
    ownkey_bytes_clear(&signature);
    ownkey_kms_free(kms);
}

/* ---- mechanisms ------------------------------------------------------ */

static void
kwp_that_is_something_else_is_found_out(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    lock();
    bad->kwp = BAD_KWP_PKCS7;
    bad->kwp_mechanism = CKM_AES_KEY_WRAP_PAD;
    unlock();
    switch_off_and_on();
    kms = bad_open("pkcs11.mechanism=aes-kwp");
    expect_wrap(kms, OWNKEY_UNSUPPORTED, "RFC 5649");
    ownkey_kms_free(kms);
}

static void
a_vendors_own_number_for_kwp(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    lock();
    bad->kwp = BAD_KWP_CIPHER;
    bad->kwp_mechanism = 0x80000171UL;
    unlock();
    switch_off_and_on();
    kms = hsm_open(bad_module, "token=bad;object=kek", OWNKEY_KEY_AES_256,
                   pin_option, "timeout=3s", "pkcs11.mechanism=aes-kwp",
                   "pkcs11.kwp_mechanism=0x80000171", NULL);
    for (size_t len = 1; len <= 17; len++)
        hsm_round_trip(kms, len);
    ownkey_kms_free(kms);
}

static void
kwp_by_the_cipher_is_what_auto_takes(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    lock();
    bad->kwp = BAD_KWP_CIPHER;
    unlock();
    switch_off_and_on();
    kms = bad_open(NULL);
    hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
    assert_string_equal(reply.algorithm, "aes-kwp");
    assert_int_equal(reply.ciphertext.len, 72);
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(kms);
}

static void
session_objects_are_destroyed_whatever_happens(void **state)
{
    static const char *const functions[] = { "WrapKey", "DestroyObject",
                                             "UnwrapKey" };
    struct ownkey_kms *kms;

    (void)state;
    lock();
    bad->kwp = BAD_KWP_KEY;
    bad->no_gcm = true;
    unlock();
    switch_off_and_on();
    kms = bad_open(NULL);
    hsm_round_trip(kms, 64);
    assert_int_equal(bad->objects, 0);
    for (int i = 0; i < 3; i++) {
        struct ownkey_wrap_reply reply = { 0 };
        struct ownkey_secret plain = { 0 };
        struct ownkey_error err = { 0 };
        unsigned closed = bad->closed;

        fail_in(functions[i], CKR_FUNCTION_FAILED, 1);
        if (hsm_wrap_bytes(kms, 64, &reply, &err) == OWNKEY_OK)
            (void)hsm_unwrap_reply(kms, &reply, &plain, &err);
        /* What could not be destroyed goes with its session. */
        if (i == 1)
            assert_true(bad->closed > closed);
        else
            assert_int_equal(bad->objects, 0);
        ownkey_secret_clear(&plain);
        ownkey_wrap_reply_clear(&reply);
    }
    ownkey_kms_free(kms);
}

static void
the_other_layout_of_gcm_parameters(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    lock();
    bad->brief_gcm = true;
    unlock();
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
}

static void
an_iv_that_the_hsm_makes_is_kept(void **state)
{
    struct ownkey_kms *kms = bad_open("pkcs11.gcm_iv=hsm");
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    lock();
    bad->iv_by_hsm = true;
    unlock();
    hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
    assert_int_equal(reply.ciphertext.data[1], 0x5a);
    ownkey_wrap_reply_clear(&reply);
    hsm_round_trip(kms, 64);
    lock();
    bad->lie = BAD_LIE_NO_IV;
    unlock();
    expect_wrap(kms, OWNKEY_UNSUPPORTED, "IV");
    ownkey_kms_free(kms);
}

/* CKR_GENERAL_ERROR for a wrong tag, and for real trouble. */
static void
a_vague_answer_is_looked_into(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    lock();
    bad->bad_tag_rv = CKR_GENERAL_ERROR;
    unlock();
    hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
    reply.ciphertext.data[20] ^= 1;
    assert_int_equal(hsm_unwrap_reply(kms, &reply, &plain, &err),
                     OWNKEY_DAMAGED);
    assert_string_equal(err.code, "CKR_GENERAL_ERROR");
    reply.ciphertext.data[20] ^= 1;
    fail_in("Decrypt", CKR_GENERAL_ERROR, -1);
    assert_int_equal(hsm_unwrap_reply(kms, &reply, &plain, &err),
                     OWNKEY_UNREACHABLE);
    fail_in(NULL, CKR_OK, 0);
    hsm_ok(hsm_unwrap_reply(kms, &reply, &plain, &err), &err);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(kms);
}

/* ---- ourselves ------------------------------------------------------- */

static struct ownkey_kms *again;
static enum ownkey_status again_status;
static bool had_libctx;

/* What a module does that has a provider of ours in its OpenSSL. */
static void
come_back(void)
{
    struct ownkey_error err;
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL);

    had_libctx = before == ownkey_libctx();
    again_status = wrap_status(again, &err);
}

static void
a_call_from_inside_the_module_is_refused(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);

    (void)state;
    again = bad_open(NULL);
    again_status = OWNKEY_OK;
    had_libctx = true;
    bad->hook = come_back;
    expect_wrap(kms, OWNKEY_OK, NULL);
    bad->hook = NULL;
    assert_int_equal(again_status, OWNKEY_UNSUPPORTED);
    assert_false(had_libctx);
    expect_wrap(again, OWNKEY_OK, NULL);
    ownkey_kms_free(kms);
    ownkey_kms_free(again);
}

static void
a_token_of_ours_is_no_hsm(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    lock();
    bad->maker = "ownkey";
    unlock();
    switch_off_and_on();
    kms = hsm_open(bad_module, "token=bad;manufacturer=ownkey;object=kek",
                   OWNKEY_KEY_AES_256, pin_option, "timeout=3s", NULL);
    expect_wrap(kms, OWNKEY_UNREACHABLE, "no token");
    ownkey_kms_free(kms);
}

#define TEST(name) cmocka_unit_test_setup(name, bad_begin)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recovers_from_whatever_an_outage_leaves),
        TEST(a_reset_of_the_device_is_one_new_login),
        TEST(is_initialised_again_when_the_host_finalised_it),
        TEST(a_token_that_is_away_is_unreachable_until_it_is_back),
        TEST(sessions_are_not_leaked_by_errors),
        TEST(a_key_taken_away_is_gone_and_comes_back),
        TEST(a_key_that_may_not_be_used_is_denied_until_it_may),
        TEST(a_logout_behind_our_back_is_no_loss_of_the_key),
        TEST(a_second_key_of_that_name_is_not_guessed_at),
        TEST(a_wrong_pin_is_tried_once),
#ifndef __SANITIZE_THREAD__
        TEST(children_know_what_was_tried),
#endif
        TEST(the_last_try_is_left_to_a_person),
        TEST(pin_from_the_environment),
        TEST(pin_files_that_are_not_taken),
        TEST(without_a_pin_the_key_is_not_seen),
        TEST(a_pin_pad_needs_no_pin),
        TEST(a_key_that_wants_its_pin_each_time_gets_it),
        TEST(a_token_without_a_free_session_is_throttled),
        TEST(an_hsm_without_read_only_sessions_gets_the_other_kind),
        TEST(a_hanging_hsm_hangs_nobody),
        TEST(when_all_sessions_hang_the_next_caller_hears_it_at_once),
        TEST(a_key_may_be_freed_while_its_call_hangs),
        TEST(lies_are_not_believed),
        TEST(lies_about_what_was_unwrapped),
        TEST(signatures_of_a_wrong_length_are_refused),
        TEST(kwp_that_is_something_else_is_found_out),
        TEST(a_vendors_own_number_for_kwp),
        TEST(kwp_by_the_cipher_is_what_auto_takes),
        TEST(session_objects_are_destroyed_whatever_happens),
        TEST(the_other_layout_of_gcm_parameters),
        TEST(an_iv_that_the_hsm_makes_is_kept),
        TEST(a_vague_answer_is_looked_into),
        TEST(a_call_from_inside_the_module_is_refused),
        TEST(a_token_of_ours_is_no_hsm),
    };

    return cmocka_run_group_tests_name("hsm_bad", tests, bad_setup,
                                       softhsm_teardown);
}
