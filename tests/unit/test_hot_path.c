/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hit costs: no memory is allocated, and the kernel is not called. The
 * linker wraps malloc and its like; a filter kills the child that makes any
 * system call but exit_group, and but reading the clock: some machines have no
 * other way.
 */
#include "config.h"

#include "tests/unit/test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "token/datakey.h"

enum { HITS = 10000 };

static atomic_uint allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *
__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_realloc(p, size);
}

static struct fixture fixture;
static struct ownkey_tokens *tokens;
static struct ownkey_data_key *dk;
static struct ownkey_secret key;

static int
setup(void **state)
{
    const struct ownkey_tokens_options options = { .config = fixture.conf };

    (void)state;
    fixture_open(&fixture);
    fixture_key(&fixture, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&fixture, "[acme]\nkek = localkms://@/kek\n");
    if (ownkey_tokens_open(&options, &tokens, NULL) != OWNKEY_OK ||
        ownkey_data_key_generate(ownkey_tokens_find(tokens, "acme"),
                                 OWNKEY_PURPOSE_DATA_KEY, NULL, 32, &dk,
                                 NULL) != OWNKEY_OK)
        return 1;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    ownkey_secret_clear(&key);
    ownkey_data_key_free(dk);
    ownkey_tokens_close(tokens);
    fixture_close(&fixture);
    return 0;
}

/* With room in the caller's buffer from the first on. */
static bool
hit(unsigned times)
{
    struct ownkey_lease lease;

    for (unsigned i = 0; i < times; i++)
        if (ownkey_data_key_use(dk, &key, &lease, NULL) != OWNKEY_OK ||
            !ownkey_lease_valid(&lease))
            return false;
    return true;
}

static void
a_hit_allocates_nothing(void **state)
{
    unsigned before;

    (void)state;
    assert_true(hit(1));
    before = atomic_load(&allocations);
    assert_true(before > 0); /* they are counted */
    assert_true(hit(HITS));
    assert_int_equal(atomic_load(&allocations), before);
}

/* From here on any system call but these two ends the process. */
static bool
forbid_system_calls(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = { 5, rules };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void
just_hit(void)
{
    _exit(hit(HITS) ? 0 : 1);
}

static void
call_the_kernel(void)
{
    (void)getppid();
    _exit(0);
}

/*
 * The background thread begins with the first lease, and looks at all of them
 * at once: whoever wants the lock of one at that moment waits for it in the
 * kernel. Its next look is half a second later.
 */
static void
let_the_background_look(void)
{
    const struct timespec pause = { .tv_nsec = 150 * 1000000L };

    (void)nanosleep(&pause, NULL);
}

/* A child has no lease: it gets one first. */
static int
outcome_of(void (*what)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (!hit(2))
            _exit(2);
        let_the_background_look();
        if (!forbid_system_calls())
            _exit(2);
        what();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
a_hit_does_not_call_the_kernel(void **state)
{
    int status;

    (void)state;
    assert_int_equal(outcome_of(just_hit), 0);
    status = outcome_of(call_the_kernel); /* the filter works */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hit_allocates_nothing),
        cmocka_unit_test(a_hit_does_not_call_the_kernel),
    };

    return cmocka_run_group_tests_name("hot_path", tests, setup, teardown);
}
