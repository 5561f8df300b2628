/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.h - noticing fork().
 *
 * Each module that keeps locks, sockets or secrets registers a child handler,
 * which runs in the child before fork() returns and may only reset memory and
 * close descriptors. Children made without atfork handlers (vfork, clone) are
 * noticed by a page that reads as zero in them.
 */
#ifndef OWNKEY_BASE_FORK_H
#define OWNKEY_BASE_FORK_H

#include <stdint.h>

/*
 * A number that differs between a process and the children it forks. Starts
 * at 1. Cheap: one memory read.
 */
uint64_t ownkey_fork_generation(void);

/* What a module does around fork(); members may be NULL. */
struct ownkey_fork_hooks {
    void (*prepare)(void); /* takes the module's locks */
    void (*parent)(void);  /* releases them */
    void (*child)(void);   /* makes new ones, forgets sockets and secrets */
};

/*
 * Registers hooks, which are not copied, for the life of the process; call it
 * once for each, from the module's own once-only initialisation. prepare runs
 * in reverse order of registration, parent and child in order.
 */
void ownkey_fork_register(const struct ownkey_fork_hooks *hooks);

/* How long fork() waits for the gate, in milliseconds; then it goes on. */
enum { OWNKEY_FORK_WAIT_MS = 250 };

/*
 * The gate. A child has one thread, and a lock of OpenSSL, libcurl or libc that
 * another thread of the parent held at that moment is held there for ever. So
 * a thread is inside the gate while it runs their code for us, and fork()
 * waits until nobody is inside.
 *
 * Calls nest. Whoever waits for anything (a reply, a lock held across one, a
 * pause) steps out meanwhile, or the host's fork() waits with it: step_out
 * returns what step_in wants back.
 */
void ownkey_fork_enter(void);
void ownkey_fork_leave(void);
unsigned ownkey_fork_step_out(void);
void ownkey_fork_step_in(unsigned was);

#endif
