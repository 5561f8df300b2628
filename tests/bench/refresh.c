/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether steady traffic waits for the KMS: records are encrypted with keys
 * under leases of 8 s, of three tokens in turns within one run,
 *
 *   near    the KMS answers at once
 *   far     it takes 200 ms, and leases are refreshed ahead
 *   at_use  it takes 200 ms, and they are not (refresh = at_use)
 *
 * and the time of each is taken. Usage: refresh [SECONDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/libctx.h"
#include "kms/localkms_admin.h"
#include "token/datakey.h"
#include "token/token.h"

enum { KEYS = 10, TOKENS = 3, RECORD = 1024, SAMPLES = 200000 };

static const char *const names[TOKENS] = { "near", "far", "at_use" };

static struct ownkey_data_key *keys[TOKENS][KEYS];
static double samples[TOKENS][SAMPLES];
static size_t count[TOKENS];

static void
die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static double
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static struct ownkey_tokens *
open_tokens(const char *dir)
{
    struct ownkey_tokens_options options = { 0 };
    struct ownkey_tokens *tokens = NULL;
    struct ownkey_error err = { 0 };
    char path[128];
    FILE *conf;

    (void)snprintf(path, sizeof(path), "%s/kek", dir);
    if (ownkey_localkms_create(path, OWNKEY_KEY_AES_256, &err) != OWNKEY_OK)
        die(err.text);
    (void)snprintf(path, sizeof(path), "%s/ownkey.conf", dir);
    conf = fopen(path, "w");
    if (conf == NULL)
        die("cannot write a configuration");
    for (size_t t = 0; t < TOKENS; t++)
        (void)fprintf(conf,
                      "[%s]\nkek = localkms://%s/kek\ncache = 8s\n"
                      "refresh = %s\nlocalkms.delay = %s\n",
                      names[t], dir, t == 2 ? "at_use" : "ahead",
                      t == 0 ? "0s" : "200ms");
    (void)fclose(conf);
    (void)chmod(path, 0600);
    options.config = path;
    if (ownkey_tokens_open(&options, &tokens, &err) != OWNKEY_OK)
        die(err.text);
    return tokens;
}

static void
make_keys(struct ownkey_tokens *tokens)
{
    for (size_t t = 0; t < TOKENS; t++)
        for (size_t i = 0; i < KEYS; i++)
            if (ownkey_data_key_generate(ownkey_tokens_at(tokens, t),
                                         OWNKEY_PURPOSE_DATA_KEY, NULL, 32,
                                         &keys[t][i], NULL) != OWNKEY_OK)
                die("no data key");
}

/* One record; its time in microseconds. */
static double
operate(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
        struct ownkey_data_key *dk)
{
    static const uint8_t in[RECORD];
    static const uint8_t iv[12];
    uint8_t out[RECORD + 16];
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    double begin = now_us();
    int len = 0;

    if (ownkey_data_key_use(dk, &key, &lease, NULL) != OWNKEY_OK)
        die("no data key");
    if (EVP_EncryptInit_ex2(ctx, cipher, key.data, iv, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, out, &len, in, RECORD) != 1 ||
        EVP_EncryptFinal_ex(ctx, out + len, &len) != 1)
        die("encryption failed");
    ownkey_secret_clear(&key);
    return now_us() - begin;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
percentile(size_t t, double part)
{
    return samples[t][(size_t)((double)(count[t] - 1) * part)];
}

static void
report(void)
{
    for (size_t t = 0; t < TOKENS; t++) {
        qsort(samples[t], count[t], sizeof(samples[t][0]), compare);
        (void)printf("%-6s %zu operations: p50 %.1f us, p99 %.1f us, "
                     "p99.9 %.1f us, longest %.1f us\n",
                     names[t], count[t], percentile(t, 0.5),
                     percentile(t, 0.99), percentile(t, 0.999),
                     percentile(t, 1));
    }
    (void)printf("p99.9: far/near %.2f, at_use/near %.2f\n",
                 percentile(1, 0.999) / percentile(0, 0.999),
                 percentile(2, 0.999) / percentile(0, 0.999));
}

int
main(int argc, char **argv)
{
    const struct timespec pace = { .tv_nsec = 500000 };
    char dir[] = "/tmp/ownkey-bench-XXXXXX";
    double seconds = argc > 1 ? atof(argv[1]) : 24;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(ownkey_libctx(), "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct ownkey_tokens *tokens;
    char path[128];
    double end;

    if (mkdtemp(dir) == NULL || cipher == NULL || ctx == NULL)
        die("no temporary folder, or no memory");
    tokens = open_tokens(dir);
    make_keys(tokens);
    end = now_us() + seconds * 1e6;
    for (size_t i = 0; now_us() < end && i < SAMPLES; i++) {
        for (size_t n = 0; n < TOKENS; n++) { /* each is first at times */
            size_t t = (n + i) % TOKENS;

            samples[t][count[t]++] =
                operate(ctx, cipher, keys[t][i / TOKENS % KEYS]);
        }
        (void)nanosleep(&pace, NULL);
    }
    report();
    for (size_t t = 0; t < TOKENS; t++)
        for (size_t i = 0; i < KEYS; i++)
            ownkey_data_key_free(keys[t][i]);
    ownkey_tokens_close(tokens);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    (void)snprintf(path, sizeof(path), "%s/kek", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/ownkey.conf", dir);
    (void)unlink(path);
    (void)rmdir(dir);
    return 0;
}
