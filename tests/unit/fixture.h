/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a temporary folder with localkms keys and an ownkey.conf, and a
 * clock that the test sets.
 */
#ifndef OWNKEY_TESTS_UNIT_FIXTURE_H
#define OWNKEY_TESTS_UNIT_FIXTURE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "kms/algorithm.h"

struct fixture {
    char dir[64];
    char conf[96];               /* path of ownkey.conf */
    atomic_uint_fast64_t now_ms; /* the boot clock of `clock` */
    struct ownkey_clock clock;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f); /* removes the folder */

/* Makes DIR/NAME, a localkms key whose calls are counted. */
void fixture_key(struct fixture *f, const char *name, enum ownkey_key_type type);
void fixture_disable(struct fixture *f, const char *name);
void fixture_enable(struct fixture *f, const char *name);
/* The public key of DIR/NAME as PEM into DIR/NAME.pub. */
void fixture_public(struct fixture *f, const char *name);
/* KMS calls that reached DIR/NAME so far. */
unsigned fixture_calls(struct fixture *f, const char *name);
/* Writes ownkey.conf; every "@" becomes DIR. */
void fixture_conf(struct fixture *f, const char *text);

#endif
