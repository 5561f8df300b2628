/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_kept.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* At the start of its mapping; secret and token follow. */
struct ownkey_aws_kept {
    size_t size; /* of the mapping */
    size_t secret_len;
    size_t token_len;
    char id[OWNKEY_AWS_ACCESS_KEY_MAX];
    char bytes[]; /* secret, NUL, token, NUL */
};

static size_t
round_to_pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (n + page - 1) / page * page;
}

enum ownkey_status
ownkey_aws_kept_new(const struct ownkey_aws_key *key,
                    struct ownkey_aws_kept **kept)
{
    size_t size = round_to_pages(sizeof(**kept) + key->secret.len +
                                 key->token.len + 2);
    struct ownkey_aws_kept *k = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (k == MAP_FAILED)
        return OWNKEY_NOMEM;
    (void)madvise(k, size, MADV_DONTDUMP);
    k->size = size;
    ownkey_aws_kept_lock(k);
    k->secret_len = key->secret.len;
    k->token_len = key->token.len;
    memcpy(k->id, key->id, sizeof(k->id));
    memcpy(k->bytes, key->secret.data, key->secret.len);
    if (key->token.len > 0)
        memcpy(k->bytes + k->secret_len + 1, key->token.data, key->token.len);
    *kept = k;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_kept_get(const struct ownkey_aws_kept *kept,
                    struct ownkey_aws_key *key)
{
    struct ownkey_aws_key copy = { 0 };

    memcpy(copy.id, kept->id, sizeof(copy.id));
    if (ownkey_secret_copy(&copy.secret, kept->bytes, kept->secret_len + 1) !=
        OWNKEY_OK)
        return OWNKEY_NOMEM;
    copy.secret.len = kept->secret_len;
    if (kept->token_len > 0) {
        if (ownkey_secret_copy(&copy.token,
                               kept->bytes + kept->secret_len + 1,
                               kept->token_len + 1) != OWNKEY_OK) {
            ownkey_aws_key_clear(&copy);
            return OWNKEY_NOMEM;
        }
        copy.token.len = kept->token_len;
    }
    ownkey_aws_key_clear(key);
    *key = copy;
    return OWNKEY_OK;
}

void
ownkey_aws_kept_lock(struct ownkey_aws_kept *kept)
{
    /* Without RLIMIT_MEMLOCK it stays unlocked; base/secret.h warns of that. */
    (void)mlock(kept, kept->size);
}

void
ownkey_aws_kept_free(struct ownkey_aws_kept *kept)
{
    size_t size;

    if (kept == NULL)
        return;
    size = kept->size;
    explicit_bzero(kept, size);
    (void)munmap(kept, size);
}
