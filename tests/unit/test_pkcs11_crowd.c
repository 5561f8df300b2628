/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes with eight threads each make, find, use and destroy objects of
 * one store, are killed at random and started again: nothing that was reported
 * is lost, nothing is damaged, nothing comes back. OWNKEY_CROWD_ROUNDS=150
 * makes it last a minute.
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "tests/unit/pkcs11_store_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <sqlite3.h>

enum { PROCESSES = 2, THREADS = 8, ROUNDS = 6, MADE_MAX = 200000 };

/* What a thread tells: written at once, so that none is half. */
struct word {
    CK_OBJECT_HANDLE object;
    CK_ULONG gone; /* 1: it is about to be destroyed */
};

static int out;

static void
tell(CK_OBJECT_HANDLE object, bool gone)
{
    struct word w = {object, gone};

    if (write(out, &w, sizeof(w)) != sizeof(w))
        _exit(2);
}

static CK_RV
make_one(CK_SESSION_HANDLE s, char *label, CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG len = 32;
    CK_ATTRIBUTE t[] = {{CKA_TOKEN, &p11_yes, 1},
                        {CKA_VALUE_LEN, &len, sizeof(len)},
                        {CKA_LABEL, label, strlen(label)}};

    return p11->C_GenerateKey(s, &m, t, 3, key);
}

static bool
is_found(CK_SESSION_HANDLE s, char *label, CK_OBJECT_HANDLE key)
{
    CK_ATTRIBUTE t = {CKA_LABEL, label, strlen(label)};
    CK_OBJECT_HANDLE found[2] = {0};
    CK_ULONG n = 0;

    return p11->C_FindObjectsInit(s, &t, 1) == CKR_OK &&
           p11->C_FindObjects(s, found, 2, &n) == CKR_OK &&
           p11->C_FindObjectsFinal(s) == CKR_OK && n == 1 && found[0] == key;
}

static void
fail_child(const char *what, CK_RV rv)
{
    (void)fprintf(stderr, "# %s: 0x%lx\n", what, rv);
    _exit(3);
}

static void *
work(void *arg)
{
    CK_SESSION_HANDLE s = 0;
    CK_RV rv = p11->C_OpenSession(
        SLOT_KEPT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);

    for (unsigned i = 0; rv == CKR_OK; i++) {
        CK_OBJECT_HANDLE key = 0;
        CK_BYTE block[16];
        char label[48];

        (void)snprintf(label, sizeof(label), "%d %p %u", getpid(), arg, i);
        rv = make_one(s, label, &key);
        if (rv != CKR_OK)
            break;
        tell(key, false);
        if (!is_found(s, label, key))
            fail_child("not found", 0);
        rv = p11_encrypt_block(s, key, block);
        if (rv == CKR_OK && i % 2 == 0) {
            tell(key, true);
            rv = p11->C_DestroyObject(s, key);
        }
    }
    fail_child("work", rv);
    return NULL;
}

static pid_t
start_one(int pipe_out)
{
    static int marks[THREADS];
    pid_t pid = fork();
    pthread_t thread;

    if (pid != 0)
        return pid;
    out = pipe_out;
    (void)alarm(120);
    if (p11->C_Initialize(NULL) != CKR_OK)
        _exit(4);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, work, &marks[i]) != 0)
            _exit(5);
    for (;;)
        (void)pause();
}

/* Sets of objects that are there for sure, and that may be. */
static CK_OBJECT_HANDLE there[MADE_MAX];
static size_t there_count;
static size_t made;
static size_t leaving;

static void
take(const struct word *w)
{
    if (w->gone == 0) {
        assert_true(there_count < MADE_MAX);
        there[there_count++] = w->object;
        made++;
        return;
    }
    leaving++;
    for (size_t i = there_count; i > 0; i--) {
        if (there[i - 1] == w->object) {
            there[i - 1] = there[--there_count];
            return;
        }
    }
    fail_msg("an object that nobody made is destroyed");
}

static void
one_round(unsigned round)
{
    struct timespec pause = {.tv_nsec = (200 + round * 137 % 400) * 1000000L};
    int fds[2];
    pid_t pids[PROCESSES];
    struct word w;
    int status;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    for (size_t i = 0; i < PROCESSES; i++)
        pids[i] = start_one(fds[1]);
    (void)close(fds[1]);
    (void)nanosleep(&pause, NULL);
    for (size_t i = 0; i < PROCESSES; i++) {
        assert_int_equal(kill(pids[i], SIGKILL), 0);
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("a process ended by itself: 0x%x", (unsigned)status);
    }
    while (read(fds[0], &w, sizeof(w)) == sizeof(w))
        take(&w);
    (void)close(fds[0]);
}

static void
expect_sound(void)
{
    sqlite3 *db;
    sqlite3_stmt *s;

    assert_int_equal(sqlite3_open(p11_path("kept.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(s, 0), "ok");
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
}

static size_t
count_all(CK_SESSION_HANDLE s)
{
    CK_ATTRIBUTE t = {CKA_DESTROYABLE, &p11_yes, 1};
    CK_OBJECT_HANDLE found[256];
    CK_ULONG n;
    size_t count = 0;

    assert_ok(p11->C_FindObjectsInit(s, &t, 1));
    do {
        assert_ok(p11->C_FindObjects(s, found, 256, &n));
        count += n;
    } while (n > 0);
    assert_ok(p11->C_FindObjectsFinal(s));
    return count;
}

static void
nothing_is_lost_damaged_or_raised(void **state)
{
    const char *more = getenv("OWNKEY_CROWD_ROUNDS");
    const size_t rounds = more != NULL ? strtoul(more, NULL, 10) : ROUNDS;
    const size_t unsure = rounds * PROCESSES * THREADS;
    CK_SESSION_HANDLE s;
    CK_BYTE block[16];
    size_t all;

    for (unsigned i = 0; i < rounds; i++)
        one_round(i);
    assert_true(made > unsure && leaving > 0);
    assert_int_equal(p11_start(state), 0);
    s = p11_session(SLOT_KEPT);
    for (size_t i = 0; i < there_count; i++)
        assert_ok(p11_encrypt_block(s, there[i], block));
    /* The last one of each thread may be there untold, or not gone yet. */
    all = count_all(s);
    assert_true(all >= there_count && all <= there_count + unsure);
    expect_sound();
    assert_int_equal(kept_stop(state), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_damaged_or_raised),
    };

    return cmocka_run_group_tests(tests, kept_folder_make, p11_folder_remove);
}
