/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fork.h"

enum { FIRST = 2048, POLL_MS = 20 };

struct run {
    const struct ownkey_process *p;
    struct ownkey_process_result *result;
    pid_t pid;
    int out, errors; /* our ends of the pipes; -1: closed */
    uint64_t start_ms;
    size_t errors_len;
    bool line_ended; /* of errors */
    bool too_long;
    bool no_memory;
    bool no_output; /* thrown away */
};

struct ownkey_process_running {
    struct ownkey_process process;
    struct ownkey_process_result result;
    struct run run;
};

/* ---- starting ---------------------------------------------------------- */

/* The host's environment and what is added; the caller frees the array. */
static char **
make_environment(const char *const *added, bool own)
{
    size_t count = 0, more = 0;
    char **env;

    while (!own && environ != NULL && environ[count] != NULL)
        count++;
    while (added != NULL && added[more] != NULL)
        more++;
    env = calloc(count + more + 1, sizeof(*env));
    if (env == NULL)
        return NULL;
    /* The first of two equal names counts: ours go first. */
    for (size_t i = 0; i < more; i++)
        env[i] = (char *)(uintptr_t)added[i];
    for (size_t i = 0; i < count; i++)
        env[more + i] = environ[i];
    return env;
}

static int
prepare_files(posix_spawn_file_actions_t *files, int out, int errors)
{
    int rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY,
                                              0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, out, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, errors, 2);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
    /* The host's descriptors that have no close-on-exec. */
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(files, 3);
#endif
    return rc;
}

static int
prepare_signals(posix_spawnattr_t *attr)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attr, &none);
    (void)posix_spawnattr_setsigdefault(attr, &all);
    (void)posix_spawnattr_setpgroup(attr, 0);
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
}

/* An errno, 0 when it runs. */
static int
spawn(struct run *r, int out, int errors)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    char **env = make_environment(r->p->environment, r->p->own_environment);
    int rc;

    if (env == NULL)
        return ENOMEM;
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawn_file_actions_init(&files);
    rc = prepare_signals(&attr);
    if (rc == 0)
        rc = prepare_files(&files, out, errors);
    if (rc == 0)
        rc = posix_spawnp(&r->pid, r->p->argv[0], &files, &attr,
                          (char *const *)(uintptr_t)r->p->argv, env);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    free(env);
    return rc;
}

/* Both ends above 2: a host may have closed its standard descriptors. */
static int
make_pipe(int fds[2])
{
    int raw[2], rc = 0;

    if (pipe2(raw, O_CLOEXEC) != 0)
        return errno;
    for (int i = 0; i < 2; i++) {
        fds[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
        if (fds[i] < 0)
            rc = errno;
        (void)close(raw[i]);
    }
    if (rc != 0)
        for (int i = 0; i < 2; i++)
            if (fds[i] >= 0)
                (void)close(fds[i]);
    return rc;
}

static int
start(struct run *r)
{
    int out[2], errors[2];
    int rc = make_pipe(out);

    if (rc != 0)
        return rc;
    rc = make_pipe(errors);
    if (rc != 0) {
        (void)close(out[0]);
        (void)close(out[1]);
        return rc;
    }
    rc = spawn(r, out[1], errors[1]);
    (void)close(out[1]);
    (void)close(errors[1]);
    r->out = out[0];
    r->errors = errors[0];
    return rc;
}

/* ---- listening --------------------------------------------------------- */

/* Room for n more bytes and a NUL. */
static bool
make_room(struct ownkey_secret *s, size_t n)
{
    struct ownkey_secret bigger = { 0 };
    size_t cap = s->cap > 0 ? s->cap : FIRST;

    if (s->len + n + 1 <= s->cap)
        return true;
    while (cap < s->len + n + 1)
        cap *= 2;
    if (ownkey_secret_alloc(&bigger, cap) != OWNKEY_OK)
        return false;
    if (s->len > 0)
        memcpy(bigger.data, s->data, s->len);
    bigger.len = s->len;
    ownkey_secret_move(s, &bigger);
    return true;
}

static void
keep_output(struct run *r, const char *data, size_t n)
{
    struct ownkey_secret *s = &r->result->output;

    if (r->no_output)
        return;
    if (s->len + n > r->p->output_max)
        r->too_long = true;
    else if (!make_room(s, n))
        r->no_memory = true;
    if (r->too_long || r->no_memory)
        return;
    memcpy(s->data + s->len, data, n);
    s->len += n;
    s->data[s->len] = '\0';
}

static void
keep_errors(struct run *r, const char *data, size_t n)
{
    for (size_t i = 0; i < n && !r->line_ended; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '\n' && r->errors_len > 0)
            r->line_ended = true;
        else if (r->errors_len + 1 < sizeof(r->result->errors) && c != '\n')
            r->result->errors[r->errors_len++] =
                (char)(c < ' ' || c == 0x7f ? ' ' : c);
    }
}

static void
read_from(struct run *r, int *fd, void (*keep)(struct run *, const char *,
                                               size_t))
{
    char buf[1024];
    ssize_t n = read(*fd, buf, sizeof(buf));

    if (n > 0)
        keep(r, buf, (size_t)n);
    explicit_bzero(buf, sizeof(buf));
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static uint64_t
left_ms(const struct run *r)
{
    uint64_t gone = ownkey_clock_boot_ms(r->p->clock) - r->start_ms;

    return gone < r->p->limit_ms ? r->p->limit_ms - gone : 0;
}

/* Until both pipes have ended; false: the time was up, or it went wrong. */
static bool
listen_to_it(struct run *r)
{
    while (r->out >= 0 || r->errors >= 0) {
        struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
                                 { .fd = r->errors, .events = POLLIN } };
        uint64_t left = left_ms(r);

        if (left == 0 || r->too_long || r->no_memory)
            return false;
        if (poll(fds, 2, left > 1000 ? 1000 : (int)left) < 0 && errno != EINTR)
            return false;
        if (fds[0].revents != 0)
            read_from(r, &r->out, keep_output);
        if (fds[1].revents != 0)
            read_from(r, &r->errors, keep_errors);
    }
    return !r->too_long && !r->no_memory;
}

/* ---- the end ----------------------------------------------------------- */

static void
take_status(struct run *r, int status)
{
    r->result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status)
                                             : 128 + WTERMSIG(status);
}

/* A program may close its output and go on; it may do so till the limit. */
static bool
wait_for_it(struct run *r)
{
    int status;

    for (;;) {
        pid_t got = waitpid(r->pid, &status, WNOHANG);

        if (got == r->pid) {
            take_status(r, status);
            return true;
        }
        if (got < 0 && errno != EINTR) { /* the host ignores or reaped it */
            r->result->exit_code = -1;
            return true;
        }
        if (left_ms(r) == 0)
            return false;
        (void)poll(NULL, 0, POLL_MS);
    }
}

static void
end_it(struct run *r)
{
    int status;

    (void)kill(-r->pid, SIGKILL); /* what it started as well */
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        ;
}

static enum ownkey_status
fail_run(const struct run *r, struct ownkey_error *err)
{
    const char *name = r->p->argv[0];

    if (r->no_memory)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "no secure memory for the output of %.200s", name);
    if (r->too_long)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%.200s wrote more than %zu bytes and was ended",
                           name, r->p->output_max);
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "%.200s did not end within %llums and was ended%s%.200s",
                       name, (unsigned long long)r->p->limit_ms,
                       r->errors_len > 0 ? "; it said: " : "",
                       r->result->errors);
}

enum ownkey_status
ownkey_process_run(const struct ownkey_process *process,
                   struct ownkey_process_result *result,
                   struct ownkey_error *err)
{
    struct ownkey_process_result filled = { 0 };
    struct run r = {
        .p = process,
        .result = &filled,
        .out = -1,
        .errors = -1,
        .start_ms = ownkey_clock_boot_ms(process->clock),
    };
    unsigned was = ownkey_fork_step_out();
    int rc = start(&r);
    enum ownkey_status st = OWNKEY_OK;

    if (rc != 0) {
        st = ownkey_fail(err, OWNKEY_CREDENTIALS, "%.200s cannot be run: %s",
                         process->argv[0], strerror(rc));
    } else if (!listen_to_it(&r) || !wait_for_it(&r)) {
        end_it(&r);
        st = fail_run(&r, err);
    } else if (!make_room(&filled.output, 0)) {
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    }
    if (r.out >= 0)
        (void)close(r.out);
    if (r.errors >= 0)
        (void)close(r.errors);
    ownkey_fork_step_in(was);
    ownkey_process_result_clear(result);
    if (st == OWNKEY_OK)
        *result = filled;
    else
        ownkey_process_result_clear(&filled);
    return st;
}

/* ---- without waiting --------------------------------------------------- */

static void
close_pipes(struct run *r)
{
    if (r->out >= 0)
        (void)close(r->out);
    if (r->errors >= 0)
        (void)close(r->errors);
    r->out = r->errors = -1;
}

enum ownkey_status
ownkey_process_start(const struct ownkey_process *process,
                     struct ownkey_process_running **out,
                     struct ownkey_error *err)
{
    struct ownkey_process_running *p = calloc(1, sizeof(*p));
    int rc;

    if (p == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    p->process = *process;
    p->run = (struct run){
        .p = &p->process,
        .result = &p->result,
        .out = -1,
        .errors = -1,
        .start_ms = ownkey_clock_boot_ms(process->clock),
        .no_output = true,
    };
    rc = start(&p->run);
    if (rc == 0) {
        *out = p;
        return OWNKEY_OK;
    }
    close_pipes(&p->run);
    free(p);
    return ownkey_fail(err, OWNKEY_CREDENTIALS, "%.200s cannot be run: %s",
                       process->argv[0], strerror(rc));
}

/* What it has written meanwhile, so that it can go on writing. */
static void
drain(struct run *r)
{
    struct pollfd fds[2];

    for (int i = 0; i < 64; i++) {
        fds[0] = (struct pollfd){ .fd = r->out, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = r->errors, .events = POLLIN };
        if (poll(fds, 2, 0) <= 0)
            return;
        if (fds[0].revents != 0)
            read_from(r, &r->out, keep_output);
        if (fds[1].revents != 0)
            read_from(r, &r->errors, keep_errors);
    }
}

bool
ownkey_process_ended(struct ownkey_process_running *p, enum ownkey_status *st,
                     int *exit_code, struct ownkey_error *err)
{
    struct run *r = &p->run;
    int status;
    pid_t got;

    drain(r);
    got = waitpid(r->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) {
        if (left_ms(r) > 0)
            return false;
        end_it(r);
        *st = fail_run(r, err);
    } else {
        *st = OWNKEY_OK;
        p->result.exit_code = -1; /* the host ignores or reaped it */
        if (got == r->pid)
            take_status(r, status);
        drain(r);
    }
    *exit_code = p->result.exit_code;
    if (*st == OWNKEY_OK && *exit_code != 0 && err != NULL)
        (void)snprintf(err->text, sizeof(err->text), "%s", p->result.errors);
    close_pipes(r);
    free(p);
    return true;
}

void
ownkey_process_stop(struct ownkey_process_running *p)
{
    if (p == NULL)
        return;
    end_it(&p->run);
    ownkey_process_forget(p);
}

void
ownkey_process_forget(struct ownkey_process_running *p)
{
    if (p == NULL)
        return;
    close_pipes(&p->run);
    free(p);
}

void
ownkey_process_result_clear(struct ownkey_process_result *result)
{
    ownkey_secret_clear(&result->output);
    *result = (struct ownkey_process_result){ 0 };
}
