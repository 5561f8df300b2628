/* SPDX-License-Identifier: Apache-2.0 */
/* store_help.h - a token "acme" with a store, and SQL behind its back. */
#ifndef OWNKEY_TESTS_UNIT_STORE_HELP_H
#define OWNKEY_TESTS_UNIT_STORE_HELP_H

#include <stdbool.h>

#include "tests/unit/fixture.h"
#include "token/store.h"
#include "token/token.h"

struct store_env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *token;   /* acme; other has no store */
    struct ownkey_store *store;
    struct ownkey_error err;
    char path[128];               /* of the store */
    int interfered;               /* test_store.c */
    int64_t victim;
};

struct store_env *store_env_new(void);
void store_env_free(struct store_env *e);
void store_close(struct store_env *e);
void store_reopen(struct store_env *e);

/* Fails the test, with the error's text. */
void store_good(struct store_env *e, enum ownkey_status st);

/* A secret key: class 4, sensitive token object. */
int64_t store_add(struct store_env *e, const char *label, const char *secret);
int64_t store_add_id(struct store_env *e, const char *label, const char *cka_id,
                     const char *secret);
size_t store_find(struct store_env *e, const char *label, const char *cka_id,
                  int64_t *ids, size_t max);
void store_expect_secret(struct store_env *e, int64_t id, const char *secret);
enum ownkey_status store_rename(struct store_env *e, int64_t id,
                                const char *label);

/* ---- the file, by SQLite itself ---- */

void store_exec(struct store_env *e, const char *sql);
int64_t store_number(struct store_env *e, const char *sql);
int64_t store_key_of(struct store_env *e, int64_t id);
bool store_file_has(struct store_env *e, const char *text);
/* While it is closed; restore puts it back as another file. */
void store_copy(struct store_env *e, const char *name);
void store_restore(struct store_env *e, const char *name);

#endif
