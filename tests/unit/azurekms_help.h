/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azurekms_help.h - the double of Azure Key Vault (tests/cloud) for unit
 * tests, and keys opened at it. The environment holds nothing of Azure's
 * unless a test sets it.
 */
#ifndef OWNKEY_TESTS_UNIT_AZUREKMS_HELP_H
#define OWNKEY_TESTS_UNIT_AZUREKMS_HELP_H

#include <stdbool.h>

#include "tests/unit/test.h"

#include "base/clock.h"
#include "base/options.h"
#include "base/status.h"
#include "kms/kms.h"

#define AZURE_TENANT "11111111-2222-3333-4444-555555555555"
#define AZURE_CLIENT "66666666-7777-8888-9999-aaaaaaaaaaaa"
#define AZURE_SECRET "8Q~loopback+only/not=a.secret"

struct azure_double {
    char dir[64];
    char vault[96], hsm[96];          /* "127.0.0.1:PORT" */
    char login[96], foreign[96];      /* URLs */
    char imds[96], app_service[96], arc[96];
};

/* The one that runs, for the tests of this program. */
extern struct azure_double azure;

/* With more arguments for its command line; for cmocka's group setup. */
int azure_start(const char *arguments);
int azure_stop(void);

/* Gives an order as ctl.py takes it, printf-wise; the test fails if refused. */
void azure_order(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A number, or the one line, that an order prints. */
long azure_number(const char *order);
void azure_line(const char *order, char *line, size_t size);

void azure_clear_environment(void);

/* A path below the double's directory; the next call overwrites it. */
const char *azure_path(const char *name);

void azure_option(struct ownkey_options *o, const char *name,
                  const char *value);
/* ca_file, resource, login host and a short timeout; no credentials. */
void azure_place(struct ownkey_options *o, bool hsm);
/* The same with the client secret. */
void azure_options(struct ownkey_options *o, bool hsm);

/* Opens a key, "NAME[/VERSION]"; the test fails if that does. */
struct ownkey_kms *azure_open_with(const char *name, bool hsm,
                                   enum ownkey_key_type type,
                                   const struct ownkey_options *o);
struct ownkey_kms *azure_open(const char *name, enum ownkey_key_type type);

/* 32 bytes wrapped, and unwrapped again. */
enum ownkey_status azure_wrap(struct ownkey_kms *kms,
                              struct ownkey_wrap_reply *w,
                              struct ownkey_error *err);
enum ownkey_status azure_unwrap(struct ownkey_kms *kms,
                                const struct ownkey_wrap_reply *w,
                                struct ownkey_error *err);

size_t azure_secrets_used(void);

#endif
