/* SPDX-License-Identifier: Apache-2.0 */
/* C_Login: once for the token, and never twice with a PIN that is wrong. */
#include <string.h>
#include <time.h>

#include "kms/hsm_errors.h"
#include "kms/hsm_run.h"
#include "kms/hsm_token_internal.h"
#include "kms/hsm_tries.h"

enum { LOOK_AGAIN_MS = 20 };

/* ---- one PIN, tried once --------------------------------------------- */

/* Token and state of the source, as a number. */
static uint64_t
number_of(const struct ownkey_hsm_session *s, uint64_t version)
{
    uint64_t h = version;

    for (const char *p = s->serial; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    for (const char *p = s->token->module->name; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t
boot_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec;
}

/* Whether it may be tried; waits while another process is trying it. */
static enum ownkey_status
wait_turn(const struct ownkey_hsm_config *config, uint64_t number,
          uint64_t deadline_ms, struct ownkey_error *err)
{
    static const struct timespec pause = { 0, LOOK_AGAIN_MS * 1000000L };
    enum ownkey_hsm_try turn = ownkey_hsm_try_begin(number, boot_s());

    while (turn == OWNKEY_HSM_TRY_WAIT && ownkey_hsm_now_ms() < deadline_ms) {
        (void)nanosleep(&pause, NULL);
        turn = ownkey_hsm_try_begin(number, boot_s());
    }
    if (turn == OWNKEY_HSM_TRY_NOW)
        return OWNKEY_OK;
    if (turn == OWNKEY_HSM_TRY_WAIT)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "another process is still logging in to the HSM");
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "the token refused the PIN in %s and it is not tried "
                       "again, for tokens lock after a few; correct it%s",
                       config->pin.name,
                       config->pin.kind == OWNKEY_HSM_PIN_FILE
                           ? " (a touch of the file has it tried once more)"
                           : " and restart the program");
}

/* The last try is a person's: a token that locks is out for everybody. */
static enum ownkey_status
check_flags(const struct ownkey_hsm_session *s, CK_RV *rv,
            struct ownkey_error *err)
{
    CK_TOKEN_INFO info;

    memset(&info, 0, sizeof(info));
    ownkey_hsm_enter();
    *rv = s->p11->C_GetTokenInfo(s->slot, &info);
    ownkey_hsm_leave();
    if (*rv != CKR_OK)
        return ownkey_hsm_fail(err, *rv, "C_GetTokenInfo");
    if ((info.flags & CKF_USER_PIN_LOCKED) != 0)
        return ownkey_hsm_fail(err, CKR_PIN_LOCKED, "C_Login");
    if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the token has one try of the PIN left before it "
                           "locks, which ownkey does not take; log in once by "
                           "hand, with the right PIN");
    return OWNKEY_OK;
}

static bool
is_refusal(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID ||
           rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_LOCKED;
}

static CK_RV
call_login(const struct ownkey_hsm_session *s, CK_USER_TYPE user,
           const struct ownkey_secret *pin)
{
    CK_RV rv;

    ownkey_hsm_enter();
    rv = s->p11->C_Login(s->handle, user, pin->data, pin->len);
    ownkey_hsm_leave();
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

static enum ownkey_status
login_with_pin(const struct ownkey_hsm_session *s,
               const struct ownkey_hsm_config *config, CK_USER_TYPE user,
               uint64_t deadline_ms, CK_RV *rv, struct ownkey_error *err)
{
    struct ownkey_secret pin = { 0 };
    uint64_t version;
    enum ownkey_status st =
        ownkey_hsm_pin_read(&config->pin, &pin, &version, err);

    if (st == OWNKEY_OK)
        st = wait_turn(config, number_of(s, version), deadline_ms, err);
    if (st == OWNKEY_OK) {
        st = check_flags(s, rv, err);
        if (st == OWNKEY_OK) {
            *rv = call_login(s, user, &pin);
            if (*rv != CKR_OK)
                st = ownkey_hsm_fail(err, *rv, "C_Login");
            if (is_refusal(*rv))
                ownkey_error_prefix(err, "the PIN in %s", config->pin.name);
        }
        ownkey_hsm_try_end(number_of(s, version), !is_refusal(*rv));
    }
    ownkey_secret_clear(&pin);
    return st;
}

/* ---- the token's login ----------------------------------------------- */

/* Maybe the host is logged in, or we were before a session was lost. */
static enum ownkey_status
is_logged_in(const struct ownkey_hsm_session *s, bool *yes, CK_RV *rv,
             struct ownkey_error *err)
{
    CK_SESSION_INFO info;

    memset(&info, 0, sizeof(info));
    ownkey_hsm_enter();
    *rv = s->p11->C_GetSessionInfo(s->handle, &info);
    ownkey_hsm_leave();
    *yes = info.state == CKS_RO_USER_FUNCTIONS ||
           info.state == CKS_RW_USER_FUNCTIONS;
    if (*rv == CKR_FUNCTION_NOT_SUPPORTED)
        *rv = CKR_OK;
    return *rv == CKR_OK ? OWNKEY_OK
                         : ownkey_hsm_fail(err, *rv, "C_GetSessionInfo");
}

/* With a PIN, or at a PIN pad or the like, if the token has one. */
static bool
wants_login(const struct ownkey_hsm_session *s,
            const struct ownkey_hsm_config *config)
{
    static const CK_FLAGS pad =
        CKF_LOGIN_REQUIRED | CKF_PROTECTED_AUTHENTICATION_PATH;

    return config->pin.kind != OWNKEY_HSM_PIN_NONE || (s->flags & pad) == pad;
}

static enum ownkey_status
log_in(const struct ownkey_hsm_session *s,
       const struct ownkey_hsm_config *config, uint64_t deadline_ms, CK_RV *rv,
       struct ownkey_error *err)
{
    static const struct ownkey_secret no_pin;
    bool yes = false;
    enum ownkey_status st = is_logged_in(s, &yes, rv, err);

    if (st != OWNKEY_OK || yes)
        return st;
    if (config->pin.kind != OWNKEY_HSM_PIN_NONE)
        return login_with_pin(s, config, CKU_USER, deadline_ms, rv, err);
    *rv = call_login(s, CKU_USER, &no_pin);
    return *rv == CKR_OK ? OWNKEY_OK : ownkey_hsm_fail(err, *rv, "C_Login");
}

/* One thread logs in, others wait for what comes of it. */
enum ownkey_status
ownkey_hsm_session_login(struct ownkey_hsm_session *s,
                         const struct ownkey_hsm_config *config,
                         uint64_t deadline_ms, CK_RV *rv,
                         struct ownkey_error *err)
{
    struct ownkey_hsm_token *t = s->token;
    bool in_time = true;
    enum ownkey_status st;

    if (!wants_login(s, config))
        return OWNKEY_OK;
    ownkey_hsm_lock();
    while (in_time && t->epoch == s->epoch &&
           t->login == OWNKEY_HSM_LOGIN_BUSY)
        in_time = ownkey_hsm_wait(deadline_ms);
    s->logged_in = t->login == OWNKEY_HSM_LOGGED_IN && t->epoch == s->epoch;
    if (!s->logged_in && in_time && t->epoch == s->epoch)
        t->login = OWNKEY_HSM_LOGIN_BUSY;
    ownkey_hsm_unlock();
    if (s->logged_in)
        return OWNKEY_OK;
    if (!in_time)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "another thread is still logging in to the HSM");
    st = log_in(s, config, deadline_ms, rv, err);
    ownkey_hsm_lock();
    s->logged_in = st == OWNKEY_OK;
    if (t->epoch == s->epoch)
        t->login = s->logged_in ? OWNKEY_HSM_LOGGED_IN : OWNKEY_HSM_LOGGED_OUT;
    ownkey_hsm_wake();
    ownkey_hsm_unlock();
    return st;
}

enum ownkey_status
ownkey_hsm_session_authenticate(const struct ownkey_hsm_session *session,
                                const struct ownkey_hsm_config *config,
                                uint64_t deadline_ms, CK_RV *rv,
                                struct ownkey_error *err)
{
    if (config->pin.kind == OWNKEY_HSM_PIN_NONE)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the key wants its PIN for each use "
                           "(CKA_ALWAYS_AUTHENTICATE); set pkcs11.pin_file");
    return login_with_pin(session, config, CKU_CONTEXT_SPECIFIC, deadline_ms,
                          rv, err);
}
