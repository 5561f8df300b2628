/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_batch.h - many data keys opened at the same time: few requests.
 *
 * Up to OWNKEY_VAULT_AT_ONCE callers ask alone. Whoever comes later queues;
 * when a request ends, the first of the queue sends all that wait behind it
 * and fit, as one. If that fails as a whole for a reason that may be one
 * item's, each of them asks alone.
 *
 * Each caller waits no longer than its own limit, and leaves a request that
 * another one sent for it. Thread-safe, no lock is held while anybody asks.
 * In a forked child nothing is under way.
 */
#ifndef OWNKEY_KMS_VAULT_BATCH_H
#define OWNKEY_KMS_VAULT_BATCH_H

#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/vault_request.h"

enum {
    OWNKEY_VAULT_AT_ONCE = 4,
    OWNKEY_VAULT_BATCH_CHARS = 6 << 10, /* of ciphertext in one request */
};

/* One key to open, and what came of it. */
struct ownkey_vault_opening {
    struct ownkey_vault_sealed sealed;
    struct ownkey_secret plain;
    uint64_t sent_ms;
    enum ownkey_status status;
    struct ownkey_error error;
};

/* Who asks. Both fill status, error, plain and sent_ms of each. */
struct ownkey_vault_opener {
    void (*one)(void *arg, struct ownkey_vault_opening *opening,
                uint64_t limit_ms);
    /* count: 2..OWNKEY_VAULT_BATCH_MAX. false: each has to ask alone. */
    bool (*many)(void *arg, struct ownkey_vault_opening *const *openings,
                 size_t count, uint64_t limit_ms);
    void *arg;
};

struct ownkey_vault_batch;

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_batch_new(const struct ownkey_vault_opener *opener,
                       const struct ownkey_clock *clock,
                       struct ownkey_vault_batch **batch,
                       struct ownkey_error *err);

/* Accepts NULL. Nobody may be using it. */
void ownkey_vault_batch_free(struct ownkey_vault_batch *batch);

/*
 * Opens one within limit_ms; *sealed moves in, and is cleared. *plain and
 * *sent_ms on OWNKEY_OK. OWNKEY_UNREACHABLE also when limit_ms ends in the
 * queue.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_batch_open(struct ownkey_vault_batch *batch,
                        struct ownkey_vault_sealed *sealed, uint64_t limit_ms,
                        struct ownkey_secret *plain, uint64_t *sent_ms,
                        struct ownkey_error *err);

/*
 * The same for several of one caller, which waits for nobody: in as few
 * requests as they fit into, each within limit_ms. Fills all of each but its
 * sealed.
 */
void ownkey_vault_batch_open_all(const struct ownkey_vault_batch *batch,
                                 struct ownkey_vault_opening *const *openings,
                                 size_t count, uint64_t limit_ms);

#endif
