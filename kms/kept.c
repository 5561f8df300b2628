/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/kept.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* At the start of its mapping. */
struct ownkey_kept {
    size_t size; /* of the mapping */
    size_t len;
    char bytes[]; /* and a NUL */
};

enum ownkey_status
ownkey_kept_new(const void *data, size_t len, struct ownkey_kept **kept)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (sizeof(**kept) + len + page) / page * page;
    struct ownkey_kept *k = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (k == MAP_FAILED)
        return OWNKEY_NOMEM;
    (void)madvise(k, size, MADV_DONTDUMP);
    /* Without RLIMIT_MEMLOCK it stays unlocked; base/secret.h warns of that. */
    (void)mlock(k, size);
    k->size = size;
    k->len = len;
    memcpy(k->bytes, data, len);
    *kept = k;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_kept_get(const struct ownkey_kept *kept, struct ownkey_secret *out)
{
    struct ownkey_secret s = { 0 };

    if (ownkey_secret_copy(&s, kept->bytes, kept->len + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    s.len = kept->len;
    ownkey_secret_move(out, &s);
    return OWNKEY_OK;
}

void
ownkey_kept_free(struct ownkey_kept *kept)
{
    size_t size;

    if (kept == NULL)
        return;
    size = kept->size;
    explicit_bzero(kept, size);
    (void)munmap(kept, size);
}
