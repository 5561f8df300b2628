/* SPDX-License-Identifier: Apache-2.0 */
/* Where the lines of base/log.h go: the sink that the configuration names. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "kms/http_guest.h"
#include "token/internal.h"

static const char *const level_names[] = { "error", "warning", "info",
                                           "debug" };

/*
 * Replaced as a whole while other threads may be reading it, and so never
 * freed: there is one more each time a configuration names another file.
 */
struct path {
    struct path *older;
    char text[];
};

static _Atomic(struct path *) file_path;

static void
to_syslog(enum ownkey_log_level level, const char *line)
{
    static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO,
                                      LOG_DEBUG };

    syslog(priorities[level], "ownkey: %s", line);
}

static void
write_line(int fd, enum ownkey_log_level level, const char *line)
{
    char text[1200];
    char iso[21];
    struct ownkey_http_signals signals;
    int len;

    (void)ownkey_time_iso((int64_t)time(NULL), iso);
    len = snprintf(text, sizeof(text), "%s ownkey[%ld] %s: %s\n", iso,
                   (long)getpid(), level_names[level], line);
    /* A log that cannot be written must not stop the host: no SIGPIPE. */
    ownkey_http_block_signals(&signals);
    if (len > 0)
        (void)!write(fd, text, (size_t)len);
    ownkey_http_restore_signals(&signals);
}

static void
to_stderr(enum ownkey_log_level level, const char *line)
{
    write_line(STDERR_FILENO, level, line);
}

/*
 * Opened for each line: no descriptor is kept, and rotation just works. Not
 * blocking: a FIFO in its place must not hang us.
 */
static void
to_file(enum ownkey_log_level level, const char *line)
{
    int fd = open(atomic_load(&file_path)->text,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
                      O_NONBLOCK | O_NOCTTY,
                  0600);

    if (fd < 0)
        return;
    write_line(fd, level, line);
    (void)close(fd);
}

/* false: no memory. */
static bool
set_file(const char *path)
{
    struct path *current = atomic_load(&file_path);
    size_t size = strlen(path) + 1;
    struct path *p;

    if (current != NULL && strcmp(current->text, path) == 0)
        return true;
    p = malloc(sizeof(*p) + size);
    if (p == NULL)
        return false;
    memcpy(p->text, path, size);
    p->older = current;
    while (!atomic_compare_exchange_weak(&file_path, &p->older, p))
        ;
    return true;
}

void
ownkey_token_log_connect(const struct ownkey_conf *conf)
{
    switch (conf->log) {
    case OWNKEY_CONF_LOG_OFF:
        ownkey_log_set(NULL, OWNKEY_LOG_ERROR);
        break;
    case OWNKEY_CONF_LOG_SYSLOG:
        ownkey_log_set(to_syslog, conf->log_level);
        break;
    case OWNKEY_CONF_LOG_STDERR:
        ownkey_log_set(to_stderr, conf->log_level);
        break;
    case OWNKEY_CONF_LOG_FILE:
        if (set_file(conf->log_path))
            ownkey_log_set(to_file, conf->log_level);
        break;
    }
}
