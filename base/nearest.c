/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { NAME_LEN = 64 }; /* longer ones are near to nothing */

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Insertions, deletions and changes from a to b; big when either is long. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[NAME_LEN + 1];
    size_t la = strlen(a);
    size_t lb = strlen(b);

    if (la > NAME_LEN || lb > NAME_LEN)
        return NAME_LEN;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1,
                          diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

const char *
ownkey_nearest(const char *text, const char *const *candidates)
{
    const char *best = NULL;
    size_t best_distance = 3; /* more than two slips is another word */

    for (; *candidates != NULL; candidates++) {
        size_t d = distance(text, *candidates);

        if (strcasecmp(text, *candidates) == 0)
            return *candidates;
        if (d < best_distance && d < strlen(*candidates)) {
            best = *candidates;
            best_distance = d;
        }
    }
    return best;
}
