/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - memory for keys, PINs, tokens and the requests that carry them.
 *
 * One arena per process, between guard pages: locked (mlock), left out of core
 * dumps (MADV_DONTDUMP), zero in a forked child (MADV_WIPEONFORK). A block is
 * wiped when it is cleared and never grown in place.
 *
 * Memory that cannot be locked (RLIMIT_MEMLOCK) is still used, unless it was
 * configured otherwise, and the warning is there for all to see: ownkey_log,
 * `ownkey status`, ownkey_secret_info. A forked child locks its own.
 *
 * Thread-safe. After fork() the child's secrets read as zeros: whoever keeps
 * secrets across calls compares ownkey_fork_generation() (base/fork.h).
 */
#ifndef OWNKEY_BASE_SECRET_H
#define OWNKEY_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    OWNKEY_SECRET_ARENA_DEFAULT = 1 << 20, /* bytes */
    OWNKEY_SECRET_ARENA_MIN = 64 << 10,
    OWNKEY_SECRET_ARENA_MAX = 64 << 20,
    OWNKEY_SECRET_UNIT = 64, /* bytes; what a block is rounded up to */
};

struct ownkey_secret {
    uint8_t *data; /* NULL when empty */
    size_t len;    /* bytes in use */
    size_t cap;    /* bytes allocated */
};

struct ownkey_secret_info {
    size_t size;      /* of the arena, bytes; 0 before its first use */
    size_t used;      /* bytes handed out */
    bool hidden;      /* memfd_secret(2) */
    bool locked;      /* mlock succeeded */
    int lock_errno;   /* why not, 0 if locked */
    bool dontdump;
    bool wipeonfork;
};

enum ownkey_secret_demand {
    OWNKEY_SECRET_TRY,     /* locked if that is possible */
    OWNKEY_SECRET_REQUIRE, /* locked, or nothing is handed out */
    OWNKEY_SECRET_HIDDEN,  /* by memfd_secret(2), or nothing is handed out */
};

/*
 * Before the first use: the size of the arena in bytes, 0 for the default, and
 * what is demanded of it. Later calls leave the size as it is, and can only
 * demand more. Without this call the first allocation makes an arena of the
 * default size.
 *
 * OWNKEY_ARG     the size is out of range
 * OWNKEY_CONFIG  what is demanded is not to be had; err says how to get it
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_secret_configure(size_t arena_bytes, enum ownkey_secret_demand demand,
                        struct ownkey_error *err);

/* An empty secret with room for cap bytes, zeroed. OWNKEY_NOMEM: arena full,
 * or not locked although that is demanded. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_secret_alloc(struct ownkey_secret *s, size_t cap);

/* Clears *s, then fills it with a copy of len bytes. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_secret_copy(struct ownkey_secret *s, const void *data, size_t len);

/* The same with random bytes from OpenSSL's private generator. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_secret_random(struct ownkey_secret *s, size_t len);

/* Moves ownership; *from is empty afterwards, what *to held is cleared. */
void ownkey_secret_move(struct ownkey_secret *to, struct ownkey_secret *from);

/* Wipes and releases all cap bytes. Clearing twice is harmless. */
void ownkey_secret_clear(struct ownkey_secret *s);

/*
 * Wipes OWNKEY_STACK_WIPE bytes of the stack below the caller. Libraries leave
 * key bytes there: spilled registers, those that the dynamic linker saves when
 * it binds a symbol. Call it after a call chain that handled a secret; not on
 * a hot path.
 */
enum { OWNKEY_STACK_WIPE = 16 << 10 };
void ownkey_secret_wipe_stack(void);

struct ownkey_blob ownkey_blob_secret(const struct ownkey_secret *s);

void ownkey_secret_info(struct ownkey_secret_info *info);

#endif
