/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kms_memory.h"

#include "config.h"

#include "tests/unit/test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encode.h"
#include "tests/unit/memory_scan.h"

enum {
    KEY_LEN = 48,
    TEXT_LEN = 64, /* of its base64 */
};

static struct scan_needle needles[2]; /* bytes, base64 */

static const struct ownkey_context no_context;

size_t
memory_count(void)
{
    return scan_memory(needles, 2);
}

/* ---- the key, which only a child knows --------------------------------- */

static bool
random_key(struct ownkey_secret *key, char *text)
{
    do {
        ownkey_secret_clear(key);
        if (ownkey_secret_random(key, KEY_LEN) != OWNKEY_OK)
            return false;
        ownkey_base64_encode(key->data, key->len, text);
    } while (strpbrk(text, "+/") != NULL);
    return true;
}

static bool
tell(int out, const void *data, size_t len)
{
    return write(out, data, len) == (ssize_t)len;
}

/* Runs in the child: a new key, wrapped; writes what the parent may know. */
static void
make_key(struct ownkey_kms *kms, int out)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };
    char text[TEXT_LEN + 1];
    uint64_t sent_ms;

    if (!random_key(&key, text) ||
        ownkey_kms_wrap(kms, &key, &no_context, &w, &sent_ms, &err) !=
            OWNKEY_OK) {
        print_error("%s\n", err.text);
        _exit(1);
    }
    scan_mask(&needles[0], key.data, key.len);
    scan_mask(&needles[1], text, TEXT_LEN);
    /* The algorithm is static: at the same address in the parent. */
    if (!tell(out, needles, sizeof(needles)) || !tell(out, w.id, sizeof(w.id)) ||
        !tell(out, w.version, sizeof(w.version)) ||
        !tell(out, &w.algorithm, sizeof(w.algorithm)) ||
        !tell(out, w.ciphertext.data, w.ciphertext.len))
        _exit(1);
    _exit(0);
}

static void
hear(int in, void *data, size_t len)
{
    assert_int_equal(read(in, data, len), len);
}

void
memory_fetch_key(struct ownkey_kms *kms, struct ownkey_wrap_reply *w)
{
    static uint8_t rest[8192];
    int ends[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0)
        make_key(kms, ends[1]);
    (void)close(ends[1]);
    hear(ends[0], needles, sizeof(needles));
    hear(ends[0], w->id, sizeof(w->id));
    hear(ends[0], w->version, sizeof(w->version));
    hear(ends[0], &w->algorithm, sizeof(w->algorithm));
    while ((n = read(ends[0], rest + len, sizeof(rest) - len)) > 0)
        len += (size_t)n;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(ownkey_bytes_copy(&w->ciphertext, rest, len), OWNKEY_OK);
}

/* ---- using it ----------------------------------------------------------- */

enum ownkey_status
memory_unwrap(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
              struct ownkey_secret *plain)
{
    const struct ownkey_unwrap_request request = {
        .id = w->id,
        .version = w->version,
        .algorithm = w->algorithm != NULL
                         ? w->algorithm
                         : ownkey_kms_usual_algorithm(kms->type),
        .ciphertext = ownkey_blob_of(&w->ciphertext),
        .context = &no_context,
    };
    uint64_t sent_ms;

    return ownkey_kms_unwrap(kms, &request, plain, &sent_ms, NULL);
}

void
memory_unwrap_masked(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
                     struct ownkey_secret *plain)
{
    struct scan_needle got;

    assert_int_equal(memory_unwrap(kms, w, plain), OWNKEY_OK);
    assert_int_equal(plain->len, KEY_LEN);
    scan_mask(&got, plain->data, plain->len);
    assert_memory_equal(got.masked, needles[0].masked, KEY_LEN);
}

void
memory_unwraps_leave_nothing(struct ownkey_kms *kms)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret plain = { 0 };

    memory_fetch_key(kms, &w);
    assert_int_equal(memory_count(), 0);
    for (int i = 0; i < 3; i++) {
        memory_unwrap_masked(kms, &w, &plain);
        /* The search does find it while it is there. */
        assert_int_not_equal(memory_count(), 0);
        ownkey_secret_clear(&plain);
        assert_int_equal(memory_count(), 0);
    }
    ownkey_wrap_reply_clear(&w);
}

void
memory_wraps_leave_nothing(struct ownkey_kms *kms)
{
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };
    struct ownkey_secret plain = { 0 };
    uint64_t sent_ms;

    memory_fetch_key(kms, &w);
    for (int i = 0; i < 3; i++) {
        memory_unwrap_masked(kms, &w, &plain);
        assert_int_equal(ownkey_kms_wrap(kms, &plain, &no_context, &again,
                                         &sent_ms, NULL), OWNKEY_OK);
        ownkey_secret_clear(&plain);
        assert_int_equal(memory_count(), 0);
    }
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&again);
}
