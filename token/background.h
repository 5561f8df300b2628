/* SPDX-License-Identifier: Apache-2.0 */
/*
 * background.h - what the background thread (worker.h) does for the tokens of
 * one configuration.
 */
#ifndef OWNKEY_TOKEN_BACKGROUND_H
#define OWNKEY_TOKEN_BACKGROUND_H

#include "token/internal.h"

/* NULL: no memory. The set's leases and clock are there, and outlive it. */
struct ownkey_worker *ownkey_background_new(struct ownkey_tokens *set,
                                            bool no_threads);

#endif
