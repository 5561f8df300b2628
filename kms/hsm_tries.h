/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_tries.h - a wrong PIN is tried once. Tokens lock after a few.
 *
 * What was tried is remembered in a page that all processes forked from this
 * one share, so that eight workers of a server do not try it eight times. Of
 * the PIN itself nothing is in it: a try is known by a number that stands for
 * token and state of the PIN's source (hsm_pin.h).
 */
#ifndef OWNKEY_KMS_HSM_TRIES_H
#define OWNKEY_KMS_HSM_TRIES_H

#include <stdbool.h>
#include <stdint.h>

enum ownkey_hsm_try {
    OWNKEY_HSM_TRY_NOW,     /* ours to try; tell with ..._tried() */
    OWNKEY_HSM_TRY_WAIT,    /* somebody is trying it: ask again soon */
    OWNKEY_HSM_TRY_REFUSED, /* the token refused it before */
};

/* Makes the page; before the program forks, if it can be. */
void ownkey_hsm_tries_prepare(void);

/* now_s: seconds on a clock that all processes share; what dies while it
   tries is forgotten after a minute. */
enum ownkey_hsm_try ownkey_hsm_try_begin(uint64_t token_and_source,
                                         uint64_t now_s);

/* good: the token took it, or did not judge it. */
void ownkey_hsm_try_end(uint64_t token_and_source, bool good);

#endif
