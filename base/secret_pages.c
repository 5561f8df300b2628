/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h" /* _GNU_SOURCE, for mlock2 */

#include "base/secret_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447 /* on every architecture that has it */
#endif

/* In place of what is mapped there. */
static bool
place_hidden(struct ownkey_secret_pages *p)
{
    int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    void *at = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, (off_t)p->size) == 0)
        at = mmap(p->base, p->size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_FIXED, fd, 0);
    p->lock_errno = at == MAP_FAILED ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    p->locked = p->dontdump = p->wipeonfork = at != MAP_FAILED;
    return at != MAP_FAILED;
}

/* A page is locked when it is first touched: most never are. */
static bool
lock_pages(void *at, size_t size)
{
#ifdef MLOCK_ONFAULT
    if (mlock2(at, size, MLOCK_ONFAULT) == 0)
        return true;
    if (errno != ENOSYS && errno != EINVAL)
        return false;
#endif
    return mlock(at, size) == 0;
}

static void
lock(struct ownkey_secret_pages *p)
{
    p->locked = lock_pages(p->base, p->size);
    p->lock_errno = p->locked ? 0 : errno;
}

static bool
place_plain(struct ownkey_secret_pages *p)
{
    if (mmap(p->base, p->size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return false;
    p->dontdump = madvise(p->base, p->size, MADV_DONTDUMP) == 0;
    p->wipeonfork = madvise(p->base, p->size, MADV_WIPEONFORK) == 0;
    lock(p);
    return true;
}

bool
ownkey_secret_pages_map(struct ownkey_secret_pages *p, size_t size,
                        bool hidden)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t rounded = (size + page - 1) / page * page;
    uint8_t *all = mmap(NULL, rounded + 2 * page, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *p = (struct ownkey_secret_pages){ .hidden = hidden };
    if (all == MAP_FAILED) {
        p->lock_errno = errno;
        return false;
    }
    p->base = all + page;
    p->size = rounded;
    if (hidden ? place_hidden(p) : place_plain(p))
        return true;
    (void)munmap(all, rounded + 2 * page);
    p->base = NULL;
    return false;
}

void
ownkey_secret_pages_renew(struct ownkey_secret_pages *p)
{
    int why;

    if (p->base == NULL)
        return;
    if (!p->hidden) {
        lock(p);
        return;
    }
    if (place_hidden(p))
        return;
    /* Not the parent's, whatever else: then ordinary ones, unlocked. */
    why = p->lock_errno;
    if (!place_plain(p))
        _exit(127);
    p->locked = false;
    p->lock_errno = why;
}
