/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_pages.h - the pages of the arena of base/secret.h, and what the kernel
 * promises for them. Nobody else includes it. Not thread-safe.
 */
#ifndef OWNKEY_BASE_SECRET_PAGES_H
#define OWNKEY_BASE_SECRET_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ownkey_secret_pages {
    uint8_t *base;    /* NULL: none */
    size_t size;
    bool hidden;      /* memfd_secret(2): not even the kernel maps them */
    bool locked;
    int lock_errno;   /* why not, 0 if locked */
    bool dontdump;
    bool wipeonfork;  /* a child reads zeros, at the latest when it calls us */
};

/*
 * Between guard pages; size is rounded up to pages. False: none to be had;
 * with hidden lock_errno says why the kernel gives no such memory.
 */
bool ownkey_secret_pages_map(struct ownkey_secret_pages *pages, size_t size,
                             bool hidden);

/*
 * In a forked child, before anything else is done with them: locks are not
 * inherited, and hidden pages are shared with the parent until they are
 * replaced by others, here.
 */
void ownkey_secret_pages_renew(struct ownkey_secret_pages *pages);

#endif
