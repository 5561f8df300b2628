/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_scan.h - looks for secrets in all writable memory of this process. A
 * needle is kept masked, so that a find is a true one.
 */
#ifndef OWNKEY_TESTS_UNIT_MEMORY_SCAN_H
#define OWNKEY_TESTS_UNIT_MEMORY_SCAN_H

#include <stddef.h>
#include <stdint.h>

enum {
    SCAN_LEN_MAX = 64,
    SCAN_RUN = 16, /* bytes in a row, of either end, that count as a find */
};

struct scan_needle {
    size_t len; /* at least SCAN_RUN */
    uint8_t masked[SCAN_LEN_MAX];
};

void scan_mask(struct scan_needle *needle, const void *secret, size_t len);
/* Writes it to where it is to stand unmasked. */
void scan_unmask(const struct scan_needle *needle, uint8_t *out);

/* How often; each find is printed. Calls no malloc: that would overwrite what
   is looked for. */
size_t scan_memory(const struct scan_needle *needles, size_t count);

#endif
