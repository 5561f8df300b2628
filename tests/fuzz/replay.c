/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - runs a fuzz target over its seeds, as a test: one TAP line for
 * each file. What a target promises (nothing crashes, leaks or hangs) is
 * checked by running it, best under the sanitizers.
 *
 *   fuzz_NAME             over $OWNKEY_SRCDIR/tests/fuzz/seeds/FUZZ_SEEDS
 *   fuzz_NAME FILE...     over these, a crash found by a fuzzer for example
 *
 * To fuzz, build the target without this file and with a fuzzer's own main:
 * see fuzz/local.mk.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FUZZ_SEEDS
#error "FUZZ_SEEDS is the folder of the target's seeds, see tests/fuzz/local.mk"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of just the right size, so that ASan sees a read past its end. */
static int
replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    long len = -1;
    int ok = 0;

    if (f != NULL && fseek(f, 0, SEEK_END) == 0)
        len = ftell(f);
    if (len >= 0)
        data = malloc(len > 0 ? (size_t)len : 1);
    if (data != NULL) {
        rewind(f);
        ok = fread(data, 1, (size_t)len, f) == (size_t)len;
    }
    if (ok)
        ok = LLVMFuzzerTestOneInput(data, (size_t)len) == 0;
    free(data);
    if (f != NULL)
        (void)fclose(f);
    return ok;
}

static int
replay_all(char *const paths[], int count)
{
    int failed = 0;

    if (count <= 0) {
        printf("Bail out! no seeds\n");
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        const char *slash = strrchr(paths[i], '/');
        int ok;

        (void)fflush(stdout);
        ok = replay(paths[i]);
        failed += !ok;
        printf("%sok %d - %s\n", ok ? "" : "not ", i + 1,
               slash != NULL ? slash + 1 : paths[i]);
    }
    return failed != 0;
}

static int
visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The paths of the seeds, in order; *count is -1 if there is no folder. */
static char **
list_seeds(int *count)
{
    const char *srcdir = getenv("OWNKEY_SRCDIR");
    struct dirent **entries = NULL;
    char dir[4096];
    char **paths = NULL;

    (void)snprintf(dir, sizeof(dir), "%s/tests/fuzz/seeds/%s",
                   srcdir != NULL ? srcdir : ".", FUZZ_SEEDS);
    *count = scandir(dir, &entries, visible, alphasort);
    if (*count > 0)
        paths = calloc((size_t)*count, sizeof(*paths));
    for (int i = 0; i < *count; i++) {
        size_t size = strlen(dir) + strlen(entries[i]->d_name) + 2;

        if (paths != NULL && (paths[i] = malloc(size)) != NULL)
            (void)snprintf(paths[i], size, "%s/%s", dir, entries[i]->d_name);
        else
            abort();
        free(entries[i]);
    }
    free(entries);
    return paths;
}

int
main(int argc, char *argv[])
{
    char **paths;
    int count;
    int rc;

    if (argc > 1)
        return replay_all(argv + 1, argc - 1);
    paths = list_seeds(&count);
    rc = replay_all(paths, count);
    for (int i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    return rc;
}
