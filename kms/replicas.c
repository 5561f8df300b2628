/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/replicas.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct replicas {
    struct ownkey_kms base;    /* first: a struct ownkey_kms * converts back */
    struct ownkey_kms_ops ops; /* with what the members can */
    size_t count;
    struct ownkey_kms *members[OWNKEY_REPLICAS_MAX];
    _Atomic uint64_t rests_until_ms[OWNKEY_REPLICAS_MAX];
};

static struct replicas *
replicas_of(struct ownkey_kms *kms)
{
    return (struct replicas *)kms;
}

static const struct ownkey_kms *
first_of(const struct ownkey_kms *kms)
{
    return ((const struct replicas *)kms)->members[0];
}

/* ---- in order ---------------------------------------------------------- */

/* One operation on one member, with its own arguments. */
typedef enum ownkey_status operation(struct ownkey_kms *member, void *args,
                                     struct ownkey_error *err);

static bool
rests(struct replicas *r, size_t i)
{
    return ownkey_clock_boot_ms(r->base.clock) <
           atomic_load(&r->rests_until_ms[i]);
}

/*
 * Of a replica alone "no such key" says that this one was never made, or is no
 * longer there; the key is gone where the first says so.
 */
static enum ownkey_status
not_there(const struct ownkey_kms *member, struct ownkey_error *err)
{
    ownkey_log(OWNKEY_LOG_WARNING, "%s is no replica of the key: %s",
               member->uri, err->text);
    err->status = OWNKEY_UNREACHABLE;
    return OWNKEY_UNREACHABLE;
}

static enum ownkey_status
ask(struct replicas *r, size_t i, operation *op, void *args,
    struct ownkey_error *err)
{
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    st = op(r->members[i], args, err);
    if (i > 0 && st == OWNKEY_GONE)
        st = not_there(r->members[i], err);
    if (st != OWNKEY_UNREACHABLE)
        atomic_store(&r->rests_until_ms[i], 0);
    else if (atomic_exchange(&r->rests_until_ms[i],
                             ownkey_clock_boot_ms(r->base.clock) +
                                 OWNKEY_REPLICA_REST_MS) == 0)
        ownkey_log(OWNKEY_LOG_WARNING,
                   "%s cannot be reached; asking its replicas from now on",
                   r->members[i]->uri);
    return st;
}

/*
 * Those that rest come last: they are asked when all others fail. Where all
 * do, it is told what became of the first.
 */
static enum ownkey_status
in_order(struct ownkey_kms *kms, operation *op, void *args,
         struct ownkey_error *err)
{
    struct replicas *r = replicas_of(kms);
    enum ownkey_status st = OWNKEY_UNREACHABLE;
    bool asked[OWNKEY_REPLICAS_MAX] = { false };
    struct ownkey_error why = { 0 }, latest;

    for (int resting = 0; resting < 2; resting++) {
        for (size_t i = 0; i < r->count && st == OWNKEY_UNREACHABLE; i++) {
            if (asked[i] || (resting == 0 && rests(r, i)))
                continue;
            asked[i] = true;
            st = ask(r, i, op, args, &latest);
            if (i == 0 || !asked[0] || st != OWNKEY_UNREACHABLE)
                why = latest;
        }
    }
    if (st != OWNKEY_OK && err != NULL)
        *err = why;
    return st;
}

/* ---- the operations ---------------------------------------------------- */

static enum ownkey_status
describe_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    return m->ops->describe(m, args, err);
}

static enum ownkey_status
replicas_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                  struct ownkey_error *err)
{
    return in_order(kms, describe_one, info, err);
}

static enum ownkey_status
public_key_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    return m->ops->public_key(m, args, err);
}

static enum ownkey_status
replicas_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                    struct ownkey_error *err)
{
    return in_order(kms, public_key_one, spki, err);
}

struct wrap_args {
    const struct ownkey_secret *plain; /* of wrap */
    size_t len;                        /* of generate */
    const struct ownkey_context *context;
    struct ownkey_secret *made;
    struct ownkey_wrap_reply *reply;
    uint64_t *sent_ms;
};

static enum ownkey_status
wrap_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct wrap_args *a = args;

    return m->ops->wrap(m, a->plain, a->context, a->reply, a->sent_ms, err);
}

static enum ownkey_status
replicas_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
              const struct ownkey_context *context,
              struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
              struct ownkey_error *err)
{
    struct wrap_args a = { plain, 0, context, NULL, reply, sent_ms };

    return in_order(kms, wrap_one, &a, err);
}

static enum ownkey_status
generate_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct wrap_args *a = args;

    return m->ops->generate(m, a->len, a->context, a->made, a->reply,
                            a->sent_ms, err);
}

static enum ownkey_status
replicas_generate(struct ownkey_kms *kms, size_t len,
                  const struct ownkey_context *context,
                  struct ownkey_secret *plain,
                  struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                  struct ownkey_error *err)
{
    struct wrap_args a = { NULL, len, context, plain, reply, sent_ms };

    return in_order(kms, generate_one, &a, err);
}

struct unwrap_args {
    const struct ownkey_unwrap_request *request;
    struct ownkey_secret *plain;
    uint64_t *sent_ms;
};

static enum ownkey_status
unwrap_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct unwrap_args *a = args;

    return m->ops->unwrap(m, a->request, a->plain, a->sent_ms, err);
}

static enum ownkey_status
replicas_unwrap(struct ownkey_kms *kms,
                const struct ownkey_unwrap_request *request,
                struct ownkey_secret *plain, uint64_t *sent_ms,
                struct ownkey_error *err)
{
    struct unwrap_args a = { request, plain, sent_ms };

    return in_order(kms, unwrap_one, &a, err);
}

struct use_args {
    const void *request;
    struct ownkey_blob input;
    void *output;
};

static enum ownkey_status
sign_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct use_args *a = args;

    return m->ops->sign(m, a->request, a->output, err);
}

static enum ownkey_status
replicas_sign(struct ownkey_kms *kms, const struct ownkey_sign_request *request,
              struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct use_args a = { .request = request, .output = signature };

    return in_order(kms, sign_one, &a, err);
}

static enum ownkey_status
decrypt_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct use_args *a = args;

    return m->ops->decrypt(m, a->request, a->output, err);
}

static enum ownkey_status
replicas_decrypt(struct ownkey_kms *kms,
                 const struct ownkey_decrypt_request *request,
                 struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct use_args a = { .request = request, .output = plain };

    return in_order(kms, decrypt_one, &a, err);
}

static enum ownkey_status
mac_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct use_args *a = args;

    return m->ops->mac(m, a->input, a->output, err);
}

static enum ownkey_status
replicas_mac(struct ownkey_kms *kms, struct ownkey_blob message,
             struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct use_args a = { .input = message, .output = mac };

    return in_order(kms, mac_one, &a, err);
}

static enum ownkey_status
derive_one(struct ownkey_kms *m, void *args, struct ownkey_error *err)
{
    struct use_args *a = args;

    return m->ops->derive(m, a->input, a->output, err);
}

static enum ownkey_status
replicas_derive(struct ownkey_kms *kms, struct ownkey_blob peer,
                struct ownkey_secret *shared, struct ownkey_error *err)
{
    struct use_args a = { .input = peer, .output = shared };

    return in_order(kms, derive_one, &a, err);
}

/* In the first place only: both keys have to be in the same one. */
static enum ownkey_status
replicas_rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
                const struct ownkey_unwrap_request *request,
                struct ownkey_wrap_reply *reply, struct ownkey_error *err)
{
    return ownkey_kms_rewrap(replicas_of(to)->members[0],
                             replicas_of(from)->members[0], request, reply,
                             err);
}

static bool
replicas_can_sign(const struct ownkey_kms *kms,
                  const struct ownkey_sign_request *request)
{
    return ownkey_kms_can_sign(first_of(kms), request);
}

static bool
replicas_can_decrypt(const struct ownkey_kms *kms,
                     const struct ownkey_decrypt_request *request)
{
    return ownkey_kms_can_decrypt(first_of(kms), request);
}

/* ---- new and free ------------------------------------------------------ */

static void
replicas_free(struct ownkey_kms *kms)
{
    struct replicas *r = replicas_of(kms);

    for (size_t i = 0; i < r->count; i++)
        ownkey_kms_free(r->members[i]);
    free(r->base.uri);
    free(r);
}

/* What the members cannot, the whole cannot. */
static struct ownkey_kms_ops
ops_like(const struct ownkey_kms_ops *m)
{
    return (struct ownkey_kms_ops){
        .scheme = m->scheme,
        .algorithms = m->algorithms,
        .describe = m->describe != NULL ? replicas_describe : NULL,
        .public_key = m->public_key != NULL ? replicas_public_key : NULL,
        .wrap = m->wrap != NULL ? replicas_wrap : NULL,
        .generate = m->generate != NULL ? replicas_generate : NULL,
        .unwrap = m->unwrap != NULL ? replicas_unwrap : NULL,
        .rewrap = m->rewrap != NULL ? replicas_rewrap : NULL,
        .sign = m->sign != NULL ? replicas_sign : NULL,
        .decrypt = m->decrypt != NULL ? replicas_decrypt : NULL,
        .mac = m->mac != NULL ? replicas_mac : NULL,
        .derive = m->derive != NULL ? replicas_derive : NULL,
        .can_sign = replicas_can_sign,
        .can_decrypt = replicas_can_decrypt,
        .free = replicas_free,
    };
}

static void
free_all(struct ownkey_kms *const *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ownkey_kms_free(members[i]);
}

enum ownkey_status
ownkey_replicas_new(struct ownkey_kms *const *members, size_t count,
                    struct ownkey_kms **kms, struct ownkey_error *err)
{
    struct replicas *r = NULL;

    if (count <= OWNKEY_REPLICAS_MAX)
        r = calloc(1, sizeof(*r));
    if (r != NULL)
        r->base.uri = strdup(members[0]->uri);
    if (r == NULL || r->base.uri == NULL) {
        free(r);
        free_all(members, count);
        return count > OWNKEY_REPLICAS_MAX
                   ? ownkey_fail(err, OWNKEY_CONFIG,
                                 "a key has at most %d replicas here",
                                 OWNKEY_REPLICAS_MAX - 1)
                   : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    r->ops = ops_like(members[0]->ops);
    r->base.ops = &r->ops;
    r->base.type = members[0]->type;
    r->base.clock = members[0]->clock;
    r->count = count;
    memcpy(r->members, members, count * sizeof(*members));
    *kms = &r->base;
    return OWNKEY_OK;
}
