/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flush.h - `ownkey flush`: every process on a host drops its leases.
 *
 * There is a folder that all of them see (`flush_dir`), and in it a file for
 * all tokens and one for each. To flush is to replace such a file by a new one;
 * a process that has leases looks twice a second whether that has happened.
 * Nothing is read from the files, and who may write the folder can make others
 * ask the KMS, no more: so nobody's permissions are checked.
 */
#ifndef OWNKEY_TOKEN_FLUSH_H
#define OWNKEY_TOKEN_FLUSH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/status.h"

struct ownkey_token;
struct ownkey_tokens;

/* Which file it was. Zeros: none was there. */
struct ownkey_flush_file {
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

/* What a token has seen. Guarded by the token's lock, or is its tree's. */
struct ownkey_flush_mark {
    bool set;
    struct ownkey_flush_file all;
    struct ownkey_flush_file own;
};

/*
 * Call before a request whose answer begins a lease: ends those that were
 * flushed. A flush that comes later is seen by ownkey_flush_look_all.
 */
void ownkey_flush_look(struct ownkey_token *token);

/* The same for all tokens that have leases. */
void ownkey_flush_look_all(struct ownkey_tokens *set, uint64_t now_ms);

/*
 * Flushes a token, NULL: all. Makes the folder when it is missing.
 * OWNKEY_IO: that did not work; err says why.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_flush_order(const char *dir, const char *token,
                   struct ownkey_error *err);

#endif
