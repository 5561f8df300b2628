/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_parts.h - what the files tree*.c share: how the region is laid out.
 * Nobody else includes it, but for tests that damage it.
 */
#ifndef OWNKEY_TOKEN_TREE_PARTS_H
#define OWNKEY_TOKEN_TREE_PARTS_H

#include <pthread.h>
#include <sys/types.h>

#include "token/tree.h"

/* A process, and not another one that got its number later. */
struct ownkey_tree_process {
    int64_t pid;
    uint64_t start; /* in clock ticks since boot; 0: unknown */
};

struct ownkey_tree_slot {
    bool used;
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_tree_term term;
    uint64_t taken_ms;
    uint32_t len;
    uint32_t sum; /* CRC-32C of id, term and key */
    uint8_t key[OWNKEY_TREE_KEY_MAX];
};

struct ownkey_tree_claim {
    bool used;    /* also by what was said last, while nobody needs the room */
    bool active;
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_tree_process holder;
    uint64_t until_ms;
    uint64_t ended_ms;
    struct ownkey_error error;
};

/* Shared. Made of zeros, but for the lock and the epoch. */
struct ownkey_tree_region {
    pthread_mutex_t lock; /* robust; guards all but the atomics */
    atomic_uint_fast64_t epoch;
    atomic_uint_fast64_t flushes;
    atomic_uint_fast64_t proved_ms;
    atomic_uint_fast64_t failed_ms;
    atomic_uint_fast64_t forks;
    struct ownkey_flush_mark mark;
    struct ownkey_tree_slot slots[OWNKEY_TREE_SLOTS];
    struct ownkey_tree_claim claims[OWNKEY_TREE_CLAIMS];
};

/* This process's side of it. */
struct ownkey_tree {
    struct ownkey_tree_region *region;
    size_t size; /* mapped */
    size_t entries;
    uint8_t identity[OWNKEY_TREE_IDENTITY_LEN];
    unsigned refs;            /* guarded by list_lock, as is next */
    struct ownkey_tree *next;
};

/* False: not in time, or it is broken for good. */
bool ownkey_tree_lock(struct ownkey_tree *tree);
void ownkey_tree_unlock(struct ownkey_tree *tree);

void ownkey_tree_wipe_slot(struct ownkey_tree_slot *slot);
uint32_t ownkey_tree_sum(const struct ownkey_tree_slot *slot);

struct ownkey_tree_process ownkey_tree_self(void);
/* True also when that cannot be told. */
bool ownkey_tree_is_alive(const struct ownkey_tree_process *process);

#endif
