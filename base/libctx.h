/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libctx.h - our own OpenSSL library context (DESIGN, rule 5).
 *
 * All OpenSSL work runs in it, with the default provider only, so that the
 * host's openssl.cnf, its providers and default properties do not reach us,
 * and ours do not reach it. A forked child gets a new one; none is ever freed
 * (threads of the host may still hold per-thread state in it at exit).
 */
#ifndef OWNKEY_BASE_LIBCTX_H
#define OWNKEY_BASE_LIBCTX_H

#include <stdbool.h>

#include <openssl/crypto.h>

/* Made at the first call, without a lock held. NULL: no memory. */
OSSL_LIB_CTX *ownkey_libctx(void);

/*
 * Brackets code that can only use the thread's default context (libcurl):
 * between enter and leave the default is ours. Also the guard against our own
 * recursion: while a thread is inside, ownkey_libctx_inside() is true and the
 * faces refuse to start a KMS call. false from enter: no memory, do not leave.
 */
struct ownkey_libctx_scope {
    OSSL_LIB_CTX *previous;
};

bool ownkey_libctx_enter(struct ownkey_libctx_scope *scope);
void ownkey_libctx_leave(struct ownkey_libctx_scope *scope);
bool ownkey_libctx_inside(void);

/*
 * The guard alone, without the context: for calls into code of others that
 * has OpenSSL of its own and may come back to us.
 */
void ownkey_libctx_guard(void);
void ownkey_libctx_unguard(void);

#endif
