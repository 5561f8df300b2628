/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_guest.h - how libcurl is used in a process that is not ours; used by
 * http.c only.
 */
#ifndef OWNKEY_KMS_HTTP_GUEST_H
#define OWNKEY_KMS_HTTP_GUEST_H

#include <signal.h>
#include <stdbool.h>

/*
 * Starts libcurl, once; it is never stopped, the host may use it too. No lock
 * is held while OpenSSL reads its configuration. false: no memory.
 */
bool ownkey_http_start(void);

/* What was before a request. */
struct ownkey_http_signals {
    sigset_t before;
    bool pipe_was_pending;
};

/*
 * Around a request: threads that libcurl starts inherit the mask, and a
 * SIGPIPE that comes of our writing is taken away before the mask is restored.
 */
void ownkey_http_block_signals(struct ownkey_http_signals *s);
void ownkey_http_restore_signals(const struct ownkey_http_signals *s);

#endif
