/* SPDX-License-Identifier: Apache-2.0 */
/* Where the lines of base/log.h go: the sink that the configuration names. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "token/internal.h"

static const char *const level_names[] = { "error", "warning", "info",
                                           "debug" };

/* Written once, before the sink that reads it is connected. */
static char file_path[PATH_MAX];

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
    int len;

    (void)ownkey_time_iso((int64_t)time(NULL), iso);
    len = snprintf(text, sizeof(text), "%s ownkey[%ld] %s: %s\n", iso,
                   (long)getpid(), level_names[level], line);
    if (len > 0 && write(fd, text, (size_t)len) < 0)
        return; /* a log that cannot be written must not stop the host */
}

static void
to_stderr(enum ownkey_log_level level, const char *line)
{
    write_line(STDERR_FILENO, level, line);
}

/* Opened for each line: no descriptor is kept, and rotation just works. */
static void
to_file(enum ownkey_log_level level, const char *line)
{
    int fd = open(file_path,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return;
    write_line(fd, level, line);
    (void)close(fd);
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
        ownkey_log_set(NULL, OWNKEY_LOG_ERROR);
        (void)snprintf(file_path, sizeof(file_path), "%s", conf->log_path);
        ownkey_log_set(to_file, conf->log_level);
        break;
    }
}
