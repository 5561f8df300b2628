/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential.h - one credential of ours that expires: an access token, a
 * session key, a login.
 *
 * It is fetched when first needed, by one of the threads that need it; the
 * others wait for the result, each no longer than its own limit. It is fetched
 * again before it expires (in the last fifth of its life, at most ten minutes
 * early): again by one thread, while the others go on with the one there is. An
 * early fetch that fails changes nothing but the time of the next attempt. What
 * the service refused, though it should be good, is fetched again at once, but
 * not more often than every OWNKEY_CREDENTIAL_PAUSE_MS.
 *
 * Lifetimes count on the boot clock from the sending of the request, so a
 * host's wrong wall clock, or a jump of it, changes nothing.
 *
 * Thread-safe; no lock is held while fetch runs. In a forked child it starts
 * empty. The value is opaque bytes in secret memory: what a source gives.
 */
#ifndef OWNKEY_KMS_CREDENTIAL_H
#define OWNKEY_KMS_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"

enum {
    OWNKEY_CREDENTIAL_PAUSE_MS = 1000,  /* after a failure or a refusal */
    OWNKEY_CREDENTIAL_EARLY_MS = 600000, /* at most this long before expiry */
};

#define OWNKEY_CREDENTIAL_FOREVER UINT64_MAX

/*
 * Gets a new one within limit_ms. *life_ms: for how long it is good, counted
 * from the call; OWNKEY_CREDENTIAL_FOREVER where it does not expire.
 * On failure err names the source and the way out; OWNKEY_CREDENTIALS where
 * the source refuses or has nothing, OWNKEY_UNREACHABLE where it is away. A
 * reply of the source that is wrong (OWNKEY_PROTOCOL), and all that is said of
 * things rather than of access, becomes OWNKEY_CREDENTIALS for who asked.
 */
typedef enum ownkey_status
ownkey_credential_fetch(void *arg, uint64_t limit_ms,
                        struct ownkey_secret *value, uint64_t *life_ms,
                        struct ownkey_error *err);

struct ownkey_credential;

/* fetch may run in any thread that calls ownkey_credential_get. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_credential_new(ownkey_credential_fetch *fetch, void *arg,
                      const struct ownkey_clock *clock,
                      struct ownkey_credential **credential,
                      struct ownkey_error *err);

/* Accepts NULL. Nobody may be using it. */
void ownkey_credential_free(struct ownkey_credential *credential);

/*
 * A copy of the value, fetched if need be, within limit_ms. *serial says which
 * fetch it is from.
 * Errors are those of fetch; OWNKEY_UNREACHABLE when another thread's fetch
 * took longer than limit_ms.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_credential_get(struct ownkey_credential *credential, uint64_t limit_ms,
                      struct ownkey_secret *value, uint64_t *serial,
                      struct ownkey_error *err);

/*
 * The service refused the one of that serial. true: it is forgotten, or was
 * replaced meanwhile, and another attempt makes sense. false: it is so new
 * that a fetch would bring no other.
 */
bool ownkey_credential_refused(struct ownkey_credential *credential,
                               uint64_t serial);

/*
 * Forgets the one of that serial, however new it is: what it was made with
 * (the time, say) is known to be wrong, so a fetch brings another.
 */
void ownkey_credential_forget(struct ownkey_credential *credential,
                              uint64_t serial);

#endif
