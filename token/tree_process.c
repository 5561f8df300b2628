/* SPDX-License-Identifier: Apache-2.0 */
/* Whether another process of the tree still lives. */
#include "token/tree_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELD_STATE = 3, FIELD_START = 22 }; /* proc(5) */

static bool
read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, size - 1);
    (void)close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return true;
}

/* False: it cannot be read. A program's name may hold blanks and brackets. */
static bool
read_stat(int64_t pid, char *state, uint64_t *start)
{
    char path[40];
    char text[512];
    char *at;

    (void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    if (!read_file(path, text, sizeof(text)))
        return false;
    at = strrchr(text, ')');
    if (at == NULL || at[1] == '\0')
        return false;
    at += 2;
    *state = *at;
    for (int field = FIELD_STATE; field < FIELD_START && at != NULL; field++) {
        at = strchr(at, ' ');
        if (at != NULL)
            at++;
    }
    *start = at != NULL ? strtoull(at, NULL, 10) : 0;
    return true;
}

struct ownkey_tree_process
ownkey_tree_self(void)
{
    struct ownkey_tree_process self = { .pid = getpid() };
    char state;

    (void)read_stat(self.pid, &state, &self.start);
    return self;
}

bool
ownkey_tree_is_alive(const struct ownkey_tree_process *process)
{
    uint64_t start;
    char state;

    if (process->pid == getpid())
        return true;
    if (!read_stat(process->pid, &state, &start))
        return kill((pid_t)process->pid, 0) == 0 || errno != ESRCH;
    if (state == 'Z' || state == 'X')
        return false;
    return process->start == 0 || start == 0 || start == process->start;
}
