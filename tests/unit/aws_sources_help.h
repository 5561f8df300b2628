/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_sources_help.h - a host with AWS credentials of every kind, for tests:
 * the double of awskms_help.h with its STS, SSO, instance and container, a home
 * directory, and a clock that can be put forward.
 */
#ifndef OWNKEY_TESTS_UNIT_AWS_SOURCES_HELP_H
#define OWNKEY_TESTS_UNIT_AWS_SOURCES_HELP_H

#include <sys/types.h>

#include "tests/unit/awskms_help.h"

#define KEY_PAIR                                                               \
    "aws_access_key_id = AKIDEXAMPLE\n"                                        \
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n"
#define ROLE "arn:aws:iam::111122223333:role/"

/* For cmocka; before each test the environment names the double alone. */
int sources_start(void **state);
int sources_stop(void **state);
int sources_before_each(void **state);

/* The boot clock of keys that open_kek opens is that far ahead. */
extern const struct ownkey_clock sources_clock;
void sources_ahead(unsigned long long seconds);

extern char sources_home[96];

/* A path in the folder of the double; good until the next one. */
const char *in_dir(const char *name);
/* text with "@" for that folder; returns out. */
char *expand(const char *text, char *out, size_t size);
void write_file(const char *path, const char *text, mode_t mode);

/* Orders as ctl.py takes them, expanded, with ';' between them. */
void give_orders(const char *orders);
/* What one prints, into a file. */
void print_order(const char *order, const char *path);

void set_endpoint(const char *variable, const char *listener,
                  const char *suffix);

/*
 * Roles "one" (for our user), "two" (for a session ownkey-acme of "one"),
 * "any", "saas" (with the external id 7f3c) and "web" (for the subject pod).
 */
void give_roles(void);
/* What `aws sso login` leaves for a session or start URL; `sso-login`. */
void sso_file(const char *name, const char *options);
/* What `aws login` leaves for "me"; a program that wants the word 'a b', and
   adds a line to program.calls. */
void login_files(void);

/* NAME=VALUE, expanded, into options when NAME has a dot, or environment. */
void apply(struct ownkey_options *o, const char *setting);
struct ownkey_kms *open_kek(const struct ownkey_options *o);
/* One request to AWS KMS. */
enum ownkey_status ask(struct ownkey_kms *kms, struct ownkey_error *err);
void assert_asks(struct ownkey_kms *kms);

#endif
