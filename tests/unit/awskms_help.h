/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awskms_help.h - the double of AWS KMS (tests/cloud) for unit tests, and keys
 * opened at it. The environment holds nothing of AWS's unless a test sets it.
 */
#ifndef OWNKEY_TESTS_UNIT_AWSKMS_HELP_H
#define OWNKEY_TESTS_UNIT_AWSKMS_HELP_H

#include <stdbool.h>

#include "tests/unit/test.h"

#include "base/clock.h"
#include "base/options.h"
#include "base/status.h"
#include "kms/kms.h"

struct double_kms {
    char dir[64];
    char endpoint[128];
};

/* The one that runs, for the tests of this program. */
extern struct double_kms the_double;

/*
 * Starts the double with more arguments for its command line; for cmocka's
 * group setup. Skips nothing: Python is needed.
 */
int double_start(const char *arguments);
/* Another one of tests/cloud: "hashivault.py". */
int double_start_as(const char *program, const char *arguments);
int double_stop(void);

/* Gives an order as ctl.py takes it, printf-wise; the test fails if refused. */
void double_order(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A number that an order prints: double_number("calls Decrypt"). */
long double_number(const char *order);

/* The first line that an order prints; valid till the next such call. */
const char *double_text(const char *order);

/* One counter of `stats`: "connections". */
long double_stat(const char *name);

/* Options with endpoint, region and access key of the double. */
void double_options(struct ownkey_options *o);
void double_options_within(struct ownkey_options *o, const char *timeout);
void add_option(struct ownkey_options *o, const char *name, const char *value);

/* Opens a key of the double; the test fails if that does. */
struct ownkey_kms *double_open(const char *id, enum ownkey_key_type type);
struct ownkey_kms *open_with(const char *uri, enum ownkey_key_type type,
                             const struct ownkey_options *o);

void clear_environment(void);

/* A wrap of text under the context a=b, and its unwrap. */
enum ownkey_status wrap_text(struct ownkey_kms *kms, const char *text,
                             struct ownkey_wrap_reply *w,
                             struct ownkey_error *err);
enum ownkey_status unwrap_text(struct ownkey_kms *kms,
                               const struct ownkey_wrap_reply *w,
                               const char *text, struct ownkey_error *err);

size_t secrets_used(void);

#endif
