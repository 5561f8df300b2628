/* SPDX-License-Identifier: Apache-2.0 */
/* bad_hsm_help.h - orders for the bad HSM. Included once, by a test. */
#ifndef OWNKEY_TESTS_UNIT_BAD_HSM_HELP_H
#define OWNKEY_TESTS_UNIT_BAD_HSM_HELP_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/bad_hsm.h"
#include "tests/unit/hsm_help.h"

static struct bad_hsm *bad;
static bad_hsm_reset *switch_off_and_on;
static char bad_module[512];
static char pin_option[160];

static inline void
lock(void)
{
    assert_int_equal(pthread_mutex_lock(&bad->lock), 0);
}

static inline void
unlock(void)
{
    assert_int_equal(pthread_mutex_unlock(&bad->lock), 0);
}

/* Built beside the test, or in the folder that libtool hides it in. */
static inline int
bad_setup(void **state)
{
    const char *build = getenv("OWNKEY_BUILDDIR");
    char *path;
    void *so;

    (void)snprintf(bad_module, sizeof(bad_module),
                   "%s/tests/unit/.libs/bad_hsm.so",
                   build != NULL ? build : ".");
    path = realpath(bad_module, NULL);
    if (path == NULL)
        return -1;
    (void)snprintf(bad_module, sizeof(bad_module), "%s", path);
    free(path);
    so = dlopen(bad_module, RTLD_NOW | RTLD_LOCAL);
    if (so == NULL)
        return -1;
    bad = dlsym(so, "bad_hsm");
    *(void **)&switch_off_and_on = dlsym(so, "bad_hsm_switch_off_and_on");
    if (bad == NULL || switch_off_and_on == NULL)
        return -1;
    (void)state;
    (void)snprintf(hsm_dir, sizeof(hsm_dir), "/tmp/ownkey-hsm.XXXXXX");
    if (mkdtemp(hsm_dir) == NULL)
        return -1;
    (void)snprintf(hsm_pin_file, sizeof(hsm_pin_file), "%s/pin", hsm_dir);
    return 0;
}

/* Before each test: a good HSM, just switched on, and the right PIN. */
static inline int
bad_begin(void **state)
{
    (void)state;
    switch_off_and_on();
    lock();
    bad->fail_in = NULL;
    bad->fail_times = 0;
    bad->slow_in = NULL;
    bad->hang_in = NULL;
    bad->max_sessions = 0;
    bad->tries = 10;
    bad->no_count_flags = false;
    bad->no_token = false;
    bad->no_key = false;
    bad->two_keys = false;
    bad->key_forbidden = false;
    bad->always_authenticate = false;
    bad->no_read_only = false;
    bad->pad_login = false;
    bad->brief_gcm = false;
    bad->iv_by_hsm = false;
    bad->no_gcm = false;
    bad->bad_tag_rv = CKR_ENCRYPTED_DATA_INVALID;
    bad->kwp = BAD_KWP_NONE;
    bad->kwp_mechanism = CKM_AES_KEY_WRAP_KWP;
    bad->maker = NULL;
    bad->lie = BAD_LIE_NONE;
    bad->initialized = bad->finalized = bad->opened = bad->closed = 0;
    bad->found = bad->logins = bad->wrong_pins = bad->busiest = 0;
    bad->hook = NULL;
    (void)pthread_cond_broadcast(&bad->changed);
    unlock();
    hsm_write(hsm_pin_file, "1234\n", 0600);
    (void)snprintf(pin_option, sizeof(pin_option), "pkcs11.pin_file=%s",
                   hsm_pin_file);
    return 0;
}

/*
 * A key of a place of its own: each test has its own pool of sessions. URIs
 * with other attributes that fit the same token do that.
 */
static inline struct ownkey_kms *
bad_open(const char *option)
{
    return hsm_open(bad_module, "token=bad;object=kek", OWNKEY_KEY_AES_256,
                    pin_option, "timeout=3s", option, NULL);
}

static inline void
fail_in(const char *function, CK_RV rv, int times)
{
    lock();
    bad->fail_in = function;
    bad->fail_with = rv;
    bad->fail_times = times;
    unlock();
}

static inline enum ownkey_status
wrap_status(struct ownkey_kms *kms, struct ownkey_error *err)
{
    struct ownkey_wrap_reply reply = { 0 };
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    st = hsm_wrap_bytes(kms, 64, &reply, err);
    ownkey_wrap_reply_clear(&reply);
    return st;
}

/* Status and a word of the text. */
static inline void
expect_wrap(struct ownkey_kms *kms, enum ownkey_status want, const char *text)
{
    struct ownkey_error err;
    enum ownkey_status st = wrap_status(kms, &err);

    if (st != want || (text != NULL && strstr(err.text, text) == NULL))
        fail_msg("%s instead of %s: %s", ownkey_status_name(st),
                 ownkey_status_name(want), err.text);
    /* No message has the PIN. */
    assert_null(strstr(err.text, "1234"));
    assert_null(strstr(err.text, "4321"));
}

#endif
