/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/hsm_tries.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

enum { SLOTS = 64, FORGET_S = 60 };

/* Lock-free: a lock in shared memory would outlive who dies with it. */
struct slot {
    _Atomic uint64_t what;  /* 0: free; set once */
    _Atomic uint64_t state; /* REFUSED, FREE, or since when it is tried + 2 */
};

enum { FREE = 0, REFUSED = 1, SINCE = 2 };

struct page {
    struct slot slots[SLOTS];
};

static struct page *page;
static struct page private_page; /* when there is no shared memory */

static void
make_page(void)
{
    void *made = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    page = made != MAP_FAILED ? made : &private_page;
}

void
ownkey_hsm_tries_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, make_page);
}

/*
 * The slot of that number. A full page answers with the last slot for all
 * others: then one refusal stands for several, which errs on the right side.
 */
static struct slot *
slot_of(uint64_t what)
{
    size_t i;

    ownkey_hsm_tries_prepare();
    if (what == 0)
        what = 1;
    for (i = 0; i + 1 < SLOTS; i++) {
        uint64_t seen = 0;

        if (atomic_compare_exchange_strong(&page->slots[i].what, &seen, what) ||
            seen == what)
            break;
    }
    return &page->slots[i];
}

enum ownkey_hsm_try
ownkey_hsm_try_begin(uint64_t token_and_source, uint64_t now_s)
{
    struct slot *slot = slot_of(token_and_source);
    uint64_t seen = atomic_load(&slot->state);

    if (seen == REFUSED)
        return OWNKEY_HSM_TRY_REFUSED;
    if (seen >= SINCE && now_s - (seen - SINCE) < FORGET_S)
        return OWNKEY_HSM_TRY_WAIT;
    return atomic_compare_exchange_strong(&slot->state, &seen, now_s + SINCE)
               ? OWNKEY_HSM_TRY_NOW
               : OWNKEY_HSM_TRY_WAIT;
}

void
ownkey_hsm_try_end(uint64_t token_and_source, bool good)
{
    atomic_store(&slot_of(token_and_source)->state, good ? FREE : REFUSED);
}
