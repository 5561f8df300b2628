/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datakey_parts.h - what the files datakey*.c and rewrap.c share. Nobody else
 * includes it.
 */
#ifndef OWNKEY_TOKEN_DATAKEY_PARTS_H
#define OWNKEY_TOKEN_DATAKEY_PARTS_H

#include "token/internal.h"
#include "token/wrapped.h"

/*
 * How a miss is turned into a key: asked of the KEK (wrapped keys, plain OAEP)
 * or of a remote key (derived secrets).
 */
struct ownkey_dk_kind {
    /* As ownkey_token_begin. */
    enum ownkey_status (*begin)(struct ownkey_data_key *, struct ownkey_ask *,
                                struct ownkey_error *);
    /* One request; sent_ms is when it left. */
    enum ownkey_status (*ask)(struct ownkey_data_key *,
                              struct ownkey_secret *plain, uint64_t *sent_ms,
                              struct ownkey_error *);
    /* The answer, as ownkey_token_end. */
    void (*answered)(struct ownkey_data_key *, struct ownkey_ask *,
                     enum ownkey_status, struct ownkey_error *);
    /* The key in what came back; may take it. */
    enum ownkey_status (*take_out)(struct ownkey_data_key *,
                                   struct ownkey_secret *plain,
                                   struct ownkey_secret *key,
                                   struct ownkey_error *);
};

struct ownkey_data_key {
    atomic_int refs;
    const struct ownkey_dk_kind *kind; /* a wrapped key's unless set */
    struct ownkey_token *token;
    struct ownkey_context context; /* everything bound */
    struct ownkey_wrapped header;  /* of a wrapped key */
    struct ownkey_bytes wrapped;   /* as given; a derived secret's peer */
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_bytes label;     /* what the requests borrow beside wrapped */
    struct ownkey_decrypt_request oaep;
    struct ownkey_key *key;        /* of a derived secret */
    struct ownkey_derive_request derive;
};

/* One reference, nothing bound. NULL: no memory. */
struct ownkey_data_key *ownkey_dk_new(struct ownkey_token *token);

/* The token's context, the purpose and extra (which may be NULL). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_bind(struct ownkey_data_key *dk, enum ownkey_purpose purpose,
               const struct ownkey_context *extra, struct ownkey_error *err);

/*
 * A new one from a wrapped key: decoded, bound and compared with what it is
 * bound to; not yet with any KEK, and without id and wrapped bytes.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_parse(struct ownkey_token *token, enum ownkey_purpose purpose,
                const struct ownkey_context *extra, struct ownkey_blob wrapped,
                struct ownkey_data_key **dk, struct ownkey_error *err);

/* What to ask a KEK with the header's help; borrows from dk. */
struct ownkey_unwrap_request
ownkey_dk_request(const struct ownkey_data_key *dk);

/* OWNKEY_DAMAGED: plain is not what the header commits to. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_check_commitment(const struct ownkey_data_key *dk,
                           const struct ownkey_secret *plain,
                           struct ownkey_error *err);

/* Where and how the service has wrapped it, into the header. */
void ownkey_dk_place(struct ownkey_data_key *dk,
                     struct ownkey_wrap_reply *reply);

/* Of the wrapped bytes and header.context_digest, which covers the token. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_make_id(struct ownkey_data_key *dk);

/* The same of what has no header: name and text are bound, and wrapped. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_make_bare_id(struct ownkey_data_key *dk, const char *name,
                       const char *text, struct ownkey_error *err);

/* OWNKEY_DENIED: a no came while a reply was on its way. */
enum ownkey_status ownkey_dk_fail_overtaken(const struct ownkey_token *token,
                                            struct ownkey_error *err);

/* Into an array, cut to fit. */
void ownkey_dk_copy_text(char *to, size_t size, const char *from);

/* For kinds that ask the KEK. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_begin_kek(struct ownkey_data_key *dk, struct ownkey_ask *ask,
                    struct ownkey_error *err);
void ownkey_dk_kek_answered(struct ownkey_data_key *dk, struct ownkey_ask *ask,
                            enum ownkey_status st, struct ownkey_error *err);
/* Whether it is the KEK that it is asked of. */
bool ownkey_dk_is_under_kek(const struct ownkey_data_key *dk);

/*
 * Asks for it once more, whatever lease is running. keep: the lease begins
 * anew then; otherwise what comes back is thrown away. The answer counts as
 * any other does; what the KEK says is no key any more has no lease any more.
 */
enum ownkey_status ownkey_dk_confirm(struct ownkey_data_key *dk, bool keep,
                                     struct ownkey_error *err);

/*
 * As ownkey_dk_confirm with keep, but a lease that another process of the tree
 * has begun meanwhile will do.
 */
enum ownkey_status ownkey_dk_refresh(struct ownkey_data_key *dk,
                                     struct ownkey_error *err);

/*
 * The same for several of one token, of which each can be refreshed together
 * with others: in as few requests as the service can.
 */
bool ownkey_dk_can_refresh_many(const struct ownkey_data_key *dk);
void ownkey_dk_refresh_many(struct ownkey_data_key *const *dks, size_t count);

/* What the KEK says is no key any more has no lease any more. (datakey_use.c) */
void ownkey_dk_end_damaged(struct ownkey_data_key *dk);

/* What a request was made for: counted against the lease that it begins. */
struct ownkey_dk_cost {
    uint64_t uses;
    uint64_t bytes;
};

/* Puts the key (without its commit key) under a lease from sent_ms on. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_start_lease(struct ownkey_data_key *dk, uint64_t epoch,
                      uint64_t sent_ms, struct ownkey_dk_cost cost,
                      const struct ownkey_secret *key,
                      struct ownkey_lease *lease, struct ownkey_error *err);

/* The same of a lease that the tree has. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_join_lease(struct ownkey_data_key *dk,
                     const struct ownkey_tree_term *shared,
                     const struct ownkey_secret *key,
                     struct ownkey_lease *lease, struct ownkey_error *err);

/* ---- datakey_tree.c ---- */

/*
 * Looks for the key in the tree, after a lease that began at after_ms, and
 * waits for another process that asks for it, wait_ms at most. True: *st is
 * the outcome. False: ask; when *claimed, then ownkey_dk_tree_release.
 */
bool ownkey_dk_tree_find(struct ownkey_data_key *dk, uint64_t after_ms,
                         uint64_t wait_ms, struct ownkey_secret *key,
                         struct ownkey_lease *lease, bool *claimed,
                         enum ownkey_status *st, struct ownkey_error *err);
void ownkey_dk_tree_release(struct ownkey_data_key *dk, enum ownkey_status st,
                            const struct ownkey_error *err);

/* key: what follows the commit key in plain. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_drop_commit_key(const struct ownkey_secret *plain,
                          struct ownkey_secret *key, struct ownkey_error *err);

#endif
