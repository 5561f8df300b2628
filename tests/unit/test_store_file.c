/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a store: wrong ones, full disks, other processes, fork. */
#define _GNU_SOURCE /* F_SETPIPE_SZ, pwrite */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/unit/sanitizer.h"
#include "tests/unit/store_help.h"

static int
setup(void **state)
{
    *state = store_env_new();
    return 0;
}

static int
teardown(void **state)
{
    store_env_free(*state);
    return 0;
}

/* ---- wrong files ---- */

static void
write_file(const char *path, const char *text, size_t len, mode_t mode)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void
expect_refused(struct store_env *e, enum ownkey_status st, const char *words)
{
    struct ownkey_attributes none = { 0 };
    struct ownkey_store_query all = { 0 };
    int64_t id;
    size_t n;

    assert_int_equal(ownkey_store_add(e->store, &none, NULL, &id, &e->err), st);
    if (strstr(e->err.text, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, e->err.text);
    assert_non_null(strstr(e->err.text, "token acme: store: "));
    assert_non_null(strstr(e->err.text, e->path));
    assert_int_equal(ownkey_store_find(e->store, &all, 0, &id, 1, &n, &e->err),
                     st);
    assert_int_equal(n, 0);
}

static void
refuses_what_others_may_read(void **state)
{
    struct store_env *e = *state;

    write_file(e->path, "", 0, 0640);
    expect_refused(e, OWNKEY_CONFIG, "chmod 600");
    assert_int_equal(chmod(e->path, 0600), 0);
    (void)store_add(e, "x", "s"); /* and goes on without a restart */
}

static void
refuses_what_is_no_file(void **state)
{
    struct store_env *e = *state;

    assert_int_equal(mkdir(e->path, 0700), 0);
    expect_refused(e, OWNKEY_CONFIG, "is not a file");
    assert_int_equal(rmdir(e->path), 0);
}

static void
refuses_a_damaged_file(void **state)
{
    struct store_env *e = *state;
    char junk[8192];

    memset(junk, 'x', sizeof(junk));
    write_file(e->path, junk, sizeof(junk), 0600);
    expect_refused(e, OWNKEY_DAMAGED, "damaged");
}

static void
refuses_a_database_of_others(void **state)
{
    struct store_env *e = *state;

    store_exec(e, "CREATE TABLE t (x)");
    assert_int_equal(chmod(e->path, 0600), 0);
    expect_refused(e, OWNKEY_DAMAGED, "another program");
}

static void
refuses_a_newer_schema(void **state)
{
    struct store_env *e = *state;

    (void)store_add(e, "x", "s");
    store_exec(e, "PRAGMA user_version = 2");
    store_reopen(e);
    expect_refused(e, OWNKEY_UNSUPPORTED, "newer ownkey (schema 2");
    store_exec(e, "PRAGMA user_version = 1");
    (void)store_add(e, "x", "s");
}

static void
refuses_a_schema_that_was_never_ours(void **state)
{
    struct store_env *e = *state;

    (void)store_add(e, "x", "s");
    store_exec(e, "PRAGMA user_version = 0");
    store_reopen(e);
    expect_refused(e, OWNKEY_DAMAGED, "no schema");
}

static void
a_missing_folder_is_named(void **state)
{
    struct store_env *e = *state;
    struct ownkey_attributes none = { 0 };
    struct ownkey_store *store;
    char path[160];
    int64_t id;

    (void)snprintf(path, sizeof(path), "%s/nowhere/db", e->f.dir);
    store = ownkey_store_new(e->token, path);
    assert_non_null(store);
    assert_int_equal(ownkey_store_add(store, &none, NULL, &id, &e->err),
                     OWNKEY_IO);
    assert_non_null(strstr(e->err.text, "nowhere/db: No such file"));
    ownkey_store_free(store);
}

/* Whole pages overwritten: an error, or right answers; never wrong ones. */
static void
damaged_pages_are_noticed_or_not_needed(void **state)
{
    struct store_env *e = *state;
    struct ownkey_secret secret = { 0 };
    struct stat st;
    unsigned refused = 0;

    for (int i = 0; i < 60; i++)
        (void)store_add(e, "label", "this is the secret");
    store_close(e);
    store_copy(e, "copy");
    assert_int_equal(stat(e->path, &st), 0);
    for (off_t page = 0; page < st.st_size / 4096; page++) {
        char noise[4096];
        int fd = open(e->path, O_WRONLY);

        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (char)(i * 7 + (size_t)page * 13 + 5);
        assert_int_equal(pwrite(fd, noise, sizeof(noise), page * 4096),
                         sizeof(noise));
        assert_int_equal(close(fd), 0);
        store_reopen(e);
        for (int64_t id = 1; id <= 60; id++) {
            if (ownkey_store_open(e->store, id, NULL, &secret, NULL, &e->err) !=
                OWNKEY_OK) {
                refused++;
                continue;
            }
            assert_int_equal(secret.len, 18);
            assert_memory_equal(secret.data, "this is the secret", 18);
        }
        store_close(e);
        store_restore(e, "copy");
    }
    assert_true(refused > 0);
    ownkey_secret_clear(&secret);
    store_reopen(e);
}

static void
a_full_disk_loses_nothing(void **state)
{
    struct store_env *e = *state;
    struct ownkey_attributes none = { 0 };
    struct ownkey_secret secret = { 0 };
    struct rlimit was;
    struct rlimit little;
    int64_t kept = store_add(e, "x", "kept");
    enum ownkey_status st = OWNKEY_OK;
    int64_t id;
    int n;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    little = was;
    little.rlim_cur = 256 << 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    assert_int_equal(ownkey_secret_random(&secret, 20000), OWNKEY_OK);
    for (n = 0; n < 40 && st == OWNKEY_OK; n++)
        st = ownkey_store_add(e->store, &none, &secret, &id, &e->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(st, OWNKEY_IO);
    assert_non_null(strstr(e->err.text, e->path));
    assert_int_equal(store_number(e, "SELECT count(*) FROM object"), n);
    store_expect_secret(e, kept, "kept");
    (void)store_add(e, "y", "s"); /* there is room again */
    ownkey_secret_clear(&secret);
}

/* ---- a medium that cannot be written ---- */

static bool read_only_medium;

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int
__wrap_access(const char *path, int mode)
{
    if (read_only_medium && mode == W_OK) {
        errno = EROFS;
        return -1;
    }
    return __real_access(path, mode);
}

static void
reads_from_a_read_only_medium(void **state)
{
    struct store_env *e = *state;
    struct ownkey_attributes none = { 0 };
    int64_t id = store_add(e, "x", "secret");
    int64_t found;

    read_only_medium = true;
    store_reopen(e);
    store_expect_secret(e, id, "secret");
    assert_int_equal(store_find(e, "x", NULL, &found, 1), 1);
    assert_int_equal(ownkey_store_add(e->store, &none, NULL, &id, &e->err),
                     OWNKEY_IO);
    assert_non_null(strstr(e->err.text, "is read-only"));
    assert_int_equal(ownkey_store_remove(e->store, found, &e->err), OWNKEY_IO);
    read_only_medium = false;
}

static void
changes_beside_the_file_are_not_left_out(void **state)
{
    struct store_env *e = *state;
    struct ownkey_store_object o = { 0 };
    struct stat st;
    char wal[160];

    (void)store_add(e, "x", "secret");
    (void)snprintf(wal, sizeof(wal), "%s-wal", e->path);
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);
    {
        struct ownkey_store *other = ownkey_store_new(e->token, e->path);

        read_only_medium = true;
        assert_non_null(other);
        assert_int_equal(ownkey_store_read(other, 1, &o, &e->err), OWNKEY_IO);
        assert_non_null(strstr(e->err.text, "-wal that are not part of it"));
        read_only_medium = false;
        ownkey_store_free(other);
    }
}

/* ---- other processes ---- */

static void
waits_for_a_writer_and_no_longer(void **state)
{
    struct store_env *e = *state;
    sqlite3 *db;
    struct timespec before, after;
    struct ownkey_attributes none = { 0 };
    int64_t id;

    (void)store_add(e, "x", "s");
    assert_int_equal(sqlite3_open(e->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store_find(e, "x", NULL, &id, 1), 1); /* readers go on */
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(ownkey_store_add(e->store, &none, NULL, &id, &e->err),
                     OWNKEY_IO);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_non_null(strstr(e->err.text, "another process for 10 s"));
    assert_true(after.tv_sec - before.tv_sec >= 9);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    (void)store_add(e, "y", "s");
}

static void
expect_sound(struct store_env *e)
{
    assert_int_equal(store_number(e, "SELECT count(*) FROM "
                                     "pragma_integrity_check "
                                     "WHERE integrity_check <> 'ok'"),
                     0);
}

static int
wait_for_child(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* What a child finds and does: 0, or the line that failed. */
static int
child_works(struct store_env *e, int64_t id)
{
    struct ownkey_secret secret = { 0 };
    struct ownkey_attributes none = { 0 };
    int64_t mine = 0;

    if (ownkey_store_open(e->store, id, NULL, &secret, NULL, &e->err) !=
            OWNKEY_OK ||
        secret.len != 6)
        return __LINE__ & 0x7f;
    ownkey_secret_clear(&secret);
    if (ownkey_store_add(e->store, &none, NULL, &mine, &e->err) != OWNKEY_OK)
        return __LINE__ & 0x7f;
    return 0;
}

static void
works_on_both_sides_of_a_fork(void **state)
{
    struct store_env *e = *state;
    int64_t id = store_add(e, "x", "secret");
    int64_t found;

    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(child_works(e, id));
        assert_int_equal(wait_for_child(pid), 0);
        store_expect_secret(e, id, "secret");
        (void)store_add(e, "parent", "s");
    }
    assert_int_equal(store_number(e, "SELECT count(*) FROM object"), 41);
    assert_int_equal(store_find(e, "x", NULL, &found, 1), 1);
    expect_sound(e);
}

/* No handlers ran: SQLite's locks in there are a lie. */
static void
refuses_a_process_made_behind_its_back(void **state)
{
    struct store_env *e = *state;
    int64_t id = store_add(e, "x", "secret");
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0) {
        struct ownkey_store_object o = { 0 };

        if (ownkey_store_read(e->store, id, &o, &e->err) != OWNKEY_IO)
            _exit(1);
        _exit(strstr(e->err.text, "without fork handlers") != NULL ? 0 : 2);
    }
    assert_int_equal(wait_for_child(pid), 0);
    store_expect_secret(e, id, "secret");
}

#if FORKS_AMID_THREADS
static atomic_bool stop;

static void *
keep_busy(void *arg)
{
    struct store_env *e = arg;

    while (!atomic_load(&stop)) {
        struct ownkey_attributes none = { 0 };
        struct ownkey_error err = { 0 };
        struct ownkey_secret secret = { 0 };
        int64_t id;

        if (ownkey_store_add(e->store, &none, NULL, &id, &err) != OWNKEY_OK ||
            ownkey_store_open(e->store, id, NULL, &secret, NULL, &err) !=
                OWNKEY_OK ||
            ownkey_store_remove(e->store, id, &err) != OWNKEY_OK) {
            (void)fprintf(stderr, "# %s\n", err.text);
            return arg;
        }
    }
    return NULL;
}

static void
forks_amid_threads_at_work(void **state)
{
    struct store_env *e = *state;
    int64_t id = store_add(e, "x", "secret");
    pthread_t threads[4];
    void *result;

    atomic_store(&stop, false);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_busy, e), 0);
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            (void)alarm(60);
            _exit(child_works(e, id));
        }
        assert_int_equal(wait_for_child(pid), 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(store_number(e, "SELECT count(*) FROM object"), 101);
}
#endif

/* ---- killed at any moment ---- */

/* Tells of each object once it is there, and before it is to be removed. */
static void
write_until_killed(struct store_env *e, int out)
{
    for (int64_t i = 0;; i++) {
        struct ownkey_attributes none = { 0 };
        int64_t told[2] = { 1, 0 };

        if (ownkey_store_add(e->store, &none, NULL, &told[1], &e->err) !=
            OWNKEY_OK)
            _exit(3);
        if (write(out, told, sizeof(told)) != sizeof(told))
            _exit(4);
        if (i % 3 != 0)
            continue;
        told[0] = -1;
        if (write(out, told, sizeof(told)) != sizeof(told))
            _exit(5);
        if (ownkey_store_remove(e->store, told[1], &e->err) != OWNKEY_OK)
            _exit(6);
    }
}

static void
kill_one_writer(struct store_env *e, unsigned round, int64_t *there,
                size_t *count)
{
    struct timespec pause = { .tv_nsec = (5 + (long)round * 7 % 60) * 1000000 };
    int64_t told[2];
    int pipe_fds[2];
    int status;
    pid_t pid;

    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(fcntl(pipe_fds[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    pid = fork();
    if (pid == 0)
        write_until_killed(e, pipe_fds[1]);
    (void)close(pipe_fds[1]);
    (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    status = wait_for_child(pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(pipe_fds[0], told, sizeof(told)) == sizeof(told)) {
        if (told[0] > 0)
            there[(*count)++] = told[1];
        else
            (*count)--; /* it was the last one */
    }
    (void)close(pipe_fds[0]);
}

static void
a_killed_writer_loses_and_raises_nothing(void **state)
{
    struct store_env *e = *state;
    int64_t *there = calloc(100000, sizeof(*there));
    size_t count = 0;
    int64_t in_store;

    assert_non_null(there);
    (void)store_add(e, "first", "s"); /* its data key is made */
    for (unsigned i = 0; i < 40; i++)
        kill_one_writer(e, i, there, &count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        store_expect_secret(e, there[i], "");
    /* The last one of each writer may be there untold, or not removed yet. */
    in_store = store_number(e, "SELECT count(*) FROM object") - 1;
    assert_true(in_store >= (int64_t)count);
    assert_true(in_store <= (int64_t)count + 40);
    expect_sound(e);
    free(there);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_what_others_may_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_a_database_of_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_a_newer_schema, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_a_schema_that_was_never_ours,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_named, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            damaged_pages_are_noticed_or_not_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(reads_from_a_read_only_medium, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            changes_beside_the_file_are_not_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_a_writer_and_no_longer,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(works_on_both_sides_of_a_fork, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_a_process_made_behind_its_back,
                                        setup, teardown),
#if FORKS_AMID_THREADS
        cmocka_unit_test_setup_teardown(forks_amid_threads_at_work, setup,
                                        teardown),
#endif
        cmocka_unit_test_setup_teardown(
            a_killed_writer_loses_and_raises_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
