/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/memory_scan.h"

#include "config.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MASK = 0x5a, PIECE = 1 << 20 };

static uint8_t piece[PIECE]; /* itself searched when it is wiped */

void
scan_mask(struct scan_needle *needle, const void *secret, size_t len)
{
    const uint8_t *from = secret;

    assert_true(len >= SCAN_RUN && len <= SCAN_LEN_MAX);
    needle->len = len;
    for (size_t i = 0; i < len; i++)
        needle->masked[i] = from[i] ^ MASK;
}

void
scan_unmask(const struct scan_needle *needle, uint8_t *out)
{
    for (size_t i = 0; i < needle->len; i++)
        out[i] = needle->masked[i] ^ MASK;
}

static bool
stands_at(const uint8_t *p, const uint8_t *masked)
{
    for (size_t i = 0; i < SCAN_RUN; i++)
        if ((p[i] ^ MASK) != masked[i])
            return false;
    return true;
}

/* The end, too: the start may be overwritten. */
static bool
is_part(const uint8_t *p, const struct scan_needle *n)
{
    return stands_at(p, n->masked) ||
           stands_at(p, n->masked + n->len - SCAN_RUN);
}

static size_t
count_in(size_t len, const struct scan_needle *needles, size_t count,
         const char *where)
{
    size_t found = 0;

    for (size_t i = 0; i + SCAN_RUN <= len; i++)
        for (size_t n = 0; n < count; n++)
            if (is_part(piece + i, &needles[n])) {
                print_message("needle %zu at offset %zu of %s\n", n, i, where);
                found++;
            }
    return found;
}

/* Reads a mapping in pieces; those overlap, so that no find is cut in two. */
static size_t
count_in_mapping(int mem, unsigned long start, unsigned long end,
                 const struct scan_needle *needles, size_t count,
                 const char *where)
{
    size_t found = 0;

    while (start < end) {
        size_t len = end - start < PIECE ? end - start : PIECE;
        ssize_t n = pread(mem, piece, len, (off_t)start);

        if (n < SCAN_RUN)
            break;
        found += count_in((size_t)n, needles, count, where);
        start += (unsigned long)n;
        if (start < end)
            start -= SCAN_RUN - 1;
    }
    explicit_bzero(piece, PIECE);
    return found;
}

size_t
scan_memory(const struct scan_needle *needles, size_t count)
{
    static char maps[1 << 18];
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    int list = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t len = 0, found = 0;
    ssize_t n;
    char *line, *save = NULL;

    assert_true(mem >= 0 && list >= 0);
    while ((n = read(list, maps + len, sizeof(maps) - 1 - len)) > 0)
        len += (size_t)n;
    maps[len] = '\0';
    for (line = strtok_r(maps, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned long start, end;
        char perms[5];

        if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 &&
            perms[0] == 'r' && perms[1] == 'w' && end - start <= (64UL << 20))
            found += count_in_mapping(mem, start, end, needles, count, line);
    }
    (void)close(mem);
    (void)close(list);
    return found;
}
