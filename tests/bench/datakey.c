/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lease costs and saves: records of 1 KiB are encrypted with AES-256-GCM
 *
 *   file   with a key in memory, as a program does that reads it from a file
 *   lease  with a data key that is asked for each record, within its lease
 *   tree   the same with `leases = tree`
 *   kms    with `cache = off`: each record asks the KMS (localkms, so the
 *          network is not even counted)
 *
 * in turns within one run; the ratios are what counts. Usage: datakey [SECONDS]
 */
#include <pthread.h>
#include <stdatomic.h>
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

enum { RECORD = 1024, KEY_LEN = 32, THREADS_MAX = 2, ROUNDS = 5 };

struct job {
    struct ownkey_data_key *dk; /* NULL: the key in memory */
    const uint8_t *key;
    atomic_bool *stop;
    unsigned long records;
};

static void
die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void
encrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const uint8_t *key)
{
    static const uint8_t in[RECORD];
    static const uint8_t iv[12];
    uint8_t out[RECORD + 16];
    int len = 0;

    if (EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, out, &len, in, RECORD) != 1 ||
        EVP_EncryptFinal_ex(ctx, out + len, &len) != 1)
        die("encryption failed");
}

static void *
run(void *arg)
{
    struct job *j = arg;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(ownkey_libctx(), "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;

    if (cipher == NULL || ctx == NULL)
        die("out of memory");
    while (!atomic_load_explicit(j->stop, memory_order_relaxed)) {
        if (j->dk != NULL &&
            ownkey_data_key_use(j->dk, &key, &lease, NULL) != OWNKEY_OK)
            die("no data key");
        encrypt(ctx, cipher, j->dk != NULL ? key.data : j->key);
        j->records++;
    }
    ownkey_secret_clear(&key);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return NULL;
}

static double
now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Records a second of all threads together. */
static double
measure(struct ownkey_data_key *dk, const uint8_t *key, unsigned threads,
        double seconds)
{
    struct job jobs[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    atomic_bool stop = false;
    struct timespec nap = { (time_t)seconds,
                            (long)((seconds - (double)(time_t)seconds) * 1e9) };
    unsigned long records = 0;
    double start = now_s();

    for (unsigned i = 0; i < threads; i++) {
        jobs[i] = (struct job){ dk, key, &stop, 0 };
        if (pthread_create(&ids[i], NULL, run, &jobs[i]) != 0)
            die("no thread");
    }
    (void)nanosleep(&nap, NULL);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(ids[i], NULL);
        records += jobs[i].records;
    }
    return (double)records / (now_s() - start);
}

static struct ownkey_data_key *
generate(struct ownkey_tokens *tokens, const char *name)
{
    struct ownkey_data_key *dk = NULL;

    if (ownkey_data_key_generate(ownkey_tokens_find(tokens, name),
                                 OWNKEY_PURPOSE_DATA_KEY, NULL, KEY_LEN, &dk,
                                 NULL) != OWNKEY_OK)
        die("no data key");
    return dk;
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
    (void)fprintf(conf,
                  "[lease]\nkek = localkms://%s/kek\ncache = 1h\n"
                  "[tree]\nkek = localkms://%s/kek\ncache = 1h\n"
                  "leases = tree\n"
                  "[kms]\nkek = localkms://%s/kek\ncache = off\n",
                  dir, dir, dir);
    (void)fclose(conf);
    (void)chmod(path, 0600);
    options.config = path;
    if (ownkey_tokens_open(&options, &tokens, &err) != OWNKEY_OK)
        die(err.text);
    return tokens;
}

static void
compare(struct ownkey_tokens *tokens, unsigned threads, double seconds)
{
    static const uint8_t key[KEY_LEN] = { 1 };
    struct ownkey_data_key *lease = generate(tokens, "lease");
    struct ownkey_data_key *tree = generate(tokens, "tree");
    struct ownkey_data_key *kms = generate(tokens, "kms");
    double file_rate = 0;
    double lease_rate = 0;
    double tree_rate = 0;
    double kms_rate = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        file_rate += measure(NULL, key, threads, seconds / ROUNDS) / ROUNDS;
        lease_rate += measure(lease, NULL, threads, seconds / ROUNDS) / ROUNDS;
        tree_rate += measure(tree, NULL, threads, seconds / ROUNDS) / ROUNDS;
        kms_rate += measure(kms, NULL, threads, seconds / ROUNDS) / ROUNDS;
    }
    (void)printf("%u thread%s: file %.0f/s, lease %.0f/s, kms %.0f/s; "
                 "lease/file %.2f, tree/lease %.2f, lease/kms %.1f\n",
                 threads, threads > 1 ? "s" : "", file_rate, lease_rate,
                 kms_rate, lease_rate / file_rate, tree_rate / lease_rate,
                 lease_rate / kms_rate);
    ownkey_data_key_free(lease);
    ownkey_data_key_free(tree);
    ownkey_data_key_free(kms);
}

int
main(int argc, char **argv)
{
    char dir[] = "/tmp/ownkey-bench-XXXXXX";
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    struct ownkey_tokens *tokens;
    char path[128];

    if (mkdtemp(dir) == NULL)
        die("no temporary folder");
    tokens = open_tokens(dir);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++)
        compare(tokens, threads, seconds);
    ownkey_tokens_close(tokens);
    (void)snprintf(path, sizeof(path), "%s/kek", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/ownkey.conf", dir);
    (void)unlink(path);
    (void)rmdir(dir);
    return 0;
}
