/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_help.h - the double of Vault for unit tests, and keys opened at it.
 * The environment holds nothing of Vault's unless a test sets it. Orders and
 * counters: awskms_help.h.
 */
#ifndef OWNKEY_TESTS_UNIT_VAULT_HELP_H
#define OWNKEY_TESTS_UNIT_VAULT_HELP_H

#include "tests/unit/awskms_help.h"

void vault_clear_variables(void);

int vault_start(const char *arguments);

/* For cmocka's setup of each test: no variables, no orders. */
int vault_before_each(void **state);
/* For its teardown: no secret is left. */
int vault_after_each(void **state);

/* The first line of a file of the double; valid for three further calls. */
const char *vault_file(const char *name);
/* Its path; as long valid. */
const char *vault_path(const char *name);

/* Address and timeout; with the token, too. */
void vault_address(struct ownkey_options *o);
void vault_options(struct ownkey_options *o);

/* Opens hashivault://KEY with the token and further options, "name", "value",
   ..., NULL; the test fails if that does. */
struct ownkey_kms *vault_open(const char *key, enum ownkey_key_type type, ...);
/* The same without a token. */
struct ownkey_kms *vault_open_as(const char *key, ...);

/* Opens, and expects a refusal that says text. */
void vault_refuses(const char *uri, const char *text, ...);

/* A round trip: wrap, unwrap. Returns the worse status. */
enum ownkey_status vault_round(struct ownkey_kms *kms,
                               struct ownkey_error *err);

/* An unwrap of what was wrapped, as it was. */
enum ownkey_status vault_unwrap(struct ownkey_kms *kms,
                                const struct ownkey_wrap_reply *w,
                                struct ownkey_error *err);

extern const char vault_plain[];

#endif
