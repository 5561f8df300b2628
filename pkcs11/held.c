/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that a program has begun and does not go on with: their key
 * schedules end with the lease, whether or not it calls again.
 */
#include "pkcs11/cipher.h"
#include "pkcs11/module.h"

enum {
    LOCKED_MS = 20, /* somebody has the lock */
    BUSY_MS = 500,  /* somebody works with the session */
};

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When it has to be looked at again. */
static uint64_t
tidy_session_locked(struct ownkey_p11_session *s, uint64_t now_ms)
{
    if (s->busy)
        return now_ms + BUSY_MS;
    return earlier(ownkey_p11_cipher_tidy(s->encrypt),
                   ownkey_p11_cipher_tidy(s->decrypt));
}

/*
 * The background thread has locks that fork() waits for while it holds ours:
 * so this does not wait for ours.
 */
uint64_t
ownkey_p11_tidy(void *arg, uint64_t now_ms)
{
    struct ownkey_p11 *module = arg;
    struct ownkey_p11_session *s;
    uint64_t next = UINT64_MAX;
    size_t pos = 0;

    if (!ownkey_p11_trylock())
        return now_ms + LOCKED_MS;
    while ((s = ownkey_p11_table_next(&module->sessions, &pos)) != NULL)
        next = earlier(next, tidy_session_locked(s, now_ms));
    ownkey_p11_unlock();
    return next;
}

/* Of a busy session nothing can be touched: another thread was at it. */
void
ownkey_p11_forget_locked(struct ownkey_p11 *module)
{
    struct ownkey_p11_session *s;
    size_t pos = 0;

    while ((s = ownkey_p11_table_next(&module->sessions, &pos)) != NULL) {
        if (s->busy)
            continue;
        ownkey_p11_cipher_forget(s->encrypt);
        ownkey_p11_cipher_forget(s->decrypt);
    }
}
