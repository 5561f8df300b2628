/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms_help.h - a folder with one localkms key file in it, for tests.
 */
#ifndef OWNKEY_TESTS_UNIT_LOCALKMS_HELP_H
#define OWNKEY_TESTS_UNIT_LOCALKMS_HELP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "base/clock.h"
#include "base/secret.h"
#include "kms/kms.h"
#include "kms/localkms.h"
#include "kms/localkms_admin.h"
#include "kms/localkms_file.h"
#include "kms/localkms_io.h"

struct place {
    char dir[64];
    char path[96];
    char uri[128];
    size_t secrets; /* bytes of secret memory in use before the test */
};

static inline size_t
secrets_used(void)
{
    struct ownkey_secret_info info;

    ownkey_secret_info(&info);
    return info.used;
}

static inline int
place_setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return -1;
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/ownkey-localkms.XXXXXX");
    if (mkdtemp(p->dir) == NULL)
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/key", p->dir);
    (void)snprintf(p->uri, sizeof(p->uri), "localkms://%s", p->path);
    p->secrets = secrets_used();
    *state = p;
    return 0;
}

/* Fails the test if a secret, or a file besides key, key.calls, is left. */
static inline int
place_teardown(void **state)
{
    struct place *p = *state;
    char calls[128];
    bool clean = secrets_used() == p->secrets;

    (void)snprintf(calls, sizeof(calls), "%s.calls", p->path);
    (void)unlink(calls);
    if (unlink(p->path) != 0)
        (void)rmdir(p->path);
    clean = rmdir(p->dir) == 0 && clean;
    free(p);
    return clean ? 0 : -1;
}

/* Replaces what is at the path by a file of that text, mode 0600. */
static inline void
write_file(const char *path, const char *text, size_t len)
{
    FILE *f;

    (void)unlink(path);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline size_t
read_file(const char *path, char *buf, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(buf, 1, size - 1, f);
    buf[n] = '\0';
    assert_int_equal(fclose(f), 0);
    return n;
}

/* RSA-2048 keys are made once for each program: that takes long. */
static inline void
create(const struct place *p, enum ownkey_key_type type)
{
    static char rsa[4096];
    struct ownkey_error err = { 0 };

    if (type == OWNKEY_KEY_RSA_2048 && rsa[0] != '\0') {
        write_file(p->path, rsa, strlen(rsa));
        return;
    }
    assert_int_equal(ownkey_localkms_create(p->path, type, &err), OWNKEY_OK);
    if (type == OWNKEY_KEY_RSA_2048)
        (void)read_file(p->path, rsa, sizeof(rsa));
}

static inline struct ownkey_kms *
open_as(const struct place *p, enum ownkey_key_type type)
{
    struct ownkey_kms_config config = { .uri = p->uri,
                                        .type = type,
                                        .clock = &ownkey_clock_system };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_OK);
    return kms;
}

static inline struct ownkey_kms *
create_and_open(const struct place *p, enum ownkey_key_type type)
{
    create(p, type);
    return open_as(p, type);
}

/* Runs fn in a child and returns its result, 0..255. */
static inline int
in_child(int (*fn)(void *), void *arg)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* For what would take minutes there. */
static inline bool
under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

#endif
