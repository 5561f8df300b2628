/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of token/ share, and nobody else sees. */
#ifndef OWNKEY_TOKEN_INTERNAL_H
#define OWNKEY_TOKEN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/err.h>

#include "base/fork.h"
#include "token/datakey.h"
#include "token/flush.h"
#include "token/lease.h"
#include "token/state.h"
#include "token/token.h"
#include "token/tree.h"
#include "token/worker.h"

struct flight;        /* flight.c */
struct ownkey_hooks;  /* hook.h */
struct ownkey_public; /* key.c */
struct ownkey_store;  /* store.h */

enum {
    /* A denied or dead KEK is asked by callers at most this often, in ms. */
    OWNKEY_ASK_PAUSE_MS = 1000,
    /* After so many failures in a row to reach a KEK it counts as dead. */
    OWNKEY_DEAD_AFTER = 3,
    /* Requests for one KEK on their way at the same time. */
    OWNKEY_IN_FLIGHT_MAX = 20,
    /* With `cache = off`, how long one operation may run on its key. */
    OWNKEY_UNCACHED_LEASE_MS = 60000,
};

struct ownkey_key {
    struct ownkey_token *token;
    const struct ownkey_conf_key *conf;
    struct ownkey_kms *kms;      /* NULL when error is set at opening */
    enum ownkey_key_type type;
    unsigned usage;              /* of ownkey_conf_usage; 0 with an error */
    uint8_t id[OWNKEY_OBJECT_ID_LEN];
    struct ownkey_error error;
    _Atomic(struct ownkey_public *) public; /* made at the first signature */
};

struct ownkey_token {
    struct ownkey_tokens *set;
    const struct ownkey_conf_token *conf;
    struct ownkey_kms *kms;
    enum ownkey_key_type kek_type;
    uint8_t kek_id[OWNKEY_OBJECT_ID_LEN];
    struct ownkey_error error;
    struct ownkey_context context; /* configured pairs and our own */
    struct ownkey_key *keys;
    size_t key_count;
    struct ownkey_store *store;    /* NULL: none configured */

    struct ownkey_tree *tree;      /* leases = tree; NULL: process */
    atomic_uint_fast64_t *epoch;   /* a denial raises it: leases end. The
                                      tree's or the process's own */
    atomic_uint_fast64_t own_epoch;
    atomic_uint_fast64_t swept_epoch; /* the table has none from before it */
    atomic_uint_fast64_t kms_calls;
    atomic_uint_fast64_t hits;
    atomic_uint_fast64_t misses;
    atomic_uint_fast64_t purges;
    atomic_uint_fast64_t *flushes; /* likewise */
    atomic_uint_fast64_t own_flushes;

    uint64_t timeout_ms;           /* of one request, with all its tries */
    atomic_uint_fast64_t lease_end_ms; /* boot clock: no lease after it; a
                                          denial ends them before */
    atomic_uint_fast64_t missed_ms; /* when somebody last had to ask */
    atomic_bool outage;            /* leases are kept for grace */
    atomic_bool late_logged;       /* that grace is used, in this outage */
    atomic_uint_fast64_t late;     /* uses within grace */

    pthread_mutex_t lock;          /* guards all below */
    enum ownkey_token_state state;
    int64_t since_s;
    struct ownkey_error last_error;
    struct ownkey_flush_mark flush_mark;
    bool to_tell;                  /* hook.c: the state differs from told */
    enum ownkey_token_state told;

    /* gate.c */
    pthread_cond_t place;          /* CLOCK_MONOTONIC: one is free */
    unsigned in_flight;
    unsigned failures;             /* to reach the KEK, in a row */
    bool denied;
    bool trial;                    /* one asks whether it answers again */
    uint64_t next_ask_ms;          /* boot clock, for the next trial */

    /* probe.c; boot clock */
    struct ownkey_data_key *probe_with;
    uint64_t proved_ms;            /* sent: the last to which it said yes */
    uint64_t probed_ms;
    uint64_t retry_ms;             /* while it does not say yes */
    uint64_t pause_ms;
    unsigned probes;
    char kek_version[OWNKEY_KMS_VERSION_MAX];
    int64_t kek_expires_s;
};

struct ownkey_tokens {
    struct ownkey_conf *conf;
    const struct ownkey_clock *clock;
    struct ownkey_token *tokens;
    size_t count;
    struct ownkey_lease_table *leases;
    struct ownkey_worker *worker;
    struct ownkey_hooks *hooks;
    atomic_uint_fast64_t trial_free_ms; /* probe.c: the dead have had their
                                           share of the background until then */

    pthread_mutex_t keeper_lock;   /* held while it runs; guards both */
    ownkey_token_keeper *keeper;
    void *keeper_arg;

    pthread_mutex_t flight_lock;   /* guards flights and what is in them */
    struct flight *flights;

    struct ownkey_tokens *next;    /* all sets; guarded by token.c's lock */
};

static inline uint64_t
ownkey_token_now(const struct ownkey_token *token)
{
    return ownkey_clock_boot_ms(token->set->clock);
}

struct ownkey_ask;

/*
 * Each answer about a KEK passes here, once: sets the token's state, ends its
 * leases on a denial, logs. err is read unless st is OWNKEY_OK. The first form
 * is for what took no place at the gate (gate.c).
 *
 * epoch  the token's when the request was sent: a yes that was overtaken by a
 *        no changes nothing
 */
void ownkey_token_answer(struct ownkey_token *token, const char *operation,
                         uint64_t epoch, enum ownkey_status st,
                         const struct ownkey_error *err);
void ownkey_ask_answer(const struct ownkey_ask *ask, enum ownkey_status st,
                       const struct ownkey_error *err);

/* A degraded token whose last lease has ended is unreachable. */
void ownkey_token_settle(struct ownkey_token *token);

/* Ends and wipes every lease of the token; how many there were. */
size_t ownkey_token_end_leases(struct ownkey_token *token);

/*
 * The same for all other tokens of the process that name the same KEK: when
 * the KEK was taken away, they hear of it too. If the denial was for this
 * token only (its role, its context), they ask and go on. (token.c)
 */
size_t ownkey_token_end_siblings(const struct ownkey_token *token);

/* ---- token_tree.c: a token whose leases a process tree shares ---- */

/* Sets token->tree as configured. Nothing to do for leases = process. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_token_join_tree(struct ownkey_token *token, struct ownkey_error *err);

/* Wipes what another process's answer has ended, and what is over. */
void ownkey_token_sweep_tree(struct ownkey_token *token, uint64_t now_ms);

/*
 * False: another process of the tree probes the KEK. After true, and the
 * probe, comes ownkey_token_probed. Without a tree nothing but true.
 */
bool ownkey_token_may_probe(struct ownkey_token *token, uint64_t now_ms);
void ownkey_token_probed(struct ownkey_token *token);

/*
 * True: the last yes that the tree has heard is older than `probe`, and this
 * caller is to ask before it uses what the tree has; afterwards comes
 * ownkey_token_probed. For processes that end before their background does.
 */
bool ownkey_token_must_prove(struct ownkey_token *token, uint64_t now_ms);

/* ---- gate.c: who may ask a KEK, and when ---- */

/* One request that is on its way. */
struct ownkey_ask {
    struct ownkey_token *token;
    const char *operation; /* for the log */
    uint64_t epoch;        /* of the token when it was sent */
    uint64_t begin_ms;     /* boot clock; not after it was sent */
    bool proof;            /* a yes says that the KEK is there for us */
    bool trial;
};

/*
 * OWNKEY_OK: one may ask. Otherwise the token is unusable, the call comes from
 * inside our own HTTPS client, or the KEK was denied a moment ago or is dead:
 * then with the reason that it gave last.
 */
enum ownkey_status ownkey_token_may_ask(struct ownkey_token *token,
                                        struct ownkey_error *err);

/*
 * The same, and takes a place among the requests; it waits for one, no longer
 * than a request may take (OWNKEY_UNREACHABLE). Of a KEK that is denied or
 * dead one caller at a time gets through. After OWNKEY_OK comes
 * ownkey_token_end.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_token_begin(struct ownkey_token *token, const char *operation,
                   struct ownkey_ask *ask, struct ownkey_error *err);

/* The answer (as ownkey_token_answer), and the place is free again. */
void ownkey_token_end(struct ownkey_ask *ask, enum ownkey_status st,
                      const struct ownkey_error *err);

/* What an answer means for those who ask later; under the token's lock. */
void ownkey_gate_note_locked(struct ownkey_token *token,
                             const struct ownkey_ask *ask,
                             enum ownkey_status st, uint64_t now_ms);

/* The parts of the lock's that a forked child has to make anew. */
void ownkey_gate_reset(struct ownkey_token *token);

/*
 * Brackets whatever asks a service; it is inside the gate of base/fork.h then.
 * A thread that the host cancels in there would leave locks, connections and
 * secrets behind; and what goes wrong in OpenSSL is not to be found in the
 * host's error queue.
 */
static inline int
ownkey_token_enter(void)
{
    int cancel = PTHREAD_CANCEL_ENABLE;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    ownkey_fork_enter();
    (void)ERR_set_mark();
    return cancel;
}

static inline void
ownkey_token_leave(int cancel)
{
    (void)ERR_pop_to_mark();
    ownkey_fork_leave();
    (void)pthread_setcancelstate(cancel, NULL);
}

/*
 * OWNKEY_PROTOCOL: the signature is not one of that public key over the
 * request's input. (signature.c)
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_signature_check(EVP_PKEY *pkey,
                       const struct ownkey_sign_request *request,
                       struct ownkey_blob signature, struct ownkey_error *err);

/* Opening (token.c). err names where, the place in the configuration. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_token_key_type(const char *where, struct ownkey_blob spki,
                      enum ownkey_key_type *type, struct ownkey_error *err);
/* Fills in the config's label and clock. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_token_open_kms(const struct ownkey_token *token, const char *where,
                      struct ownkey_kms_config *config,
                      struct ownkey_kms **kms, struct ownkey_error *err);

/* token and conf are set; fills the rest, also key->error. (key_open.c) */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_key_open(struct ownkey_key *key);

/* OWNKEY_OK: the key can be asked; as ownkey_token_may_ask. */
enum ownkey_status ownkey_key_may_use(const struct ownkey_key *key,
                                      struct ownkey_error *err);
/* The answer to a request of a remote key: counted, and logged if it is bad. */
void ownkey_key_answer(struct ownkey_key *key, const char *operation,
                       enum ownkey_status st, struct ownkey_error *err);

/* Frees what a key keeps beside its kms. */
void ownkey_key_clear(struct ownkey_key *key);

/* In a forked child: new locks, no flight. (token.c calls it.) */
void ownkey_flights_reset(struct ownkey_tokens *tokens);

/* Connects the log as configured; later calls replace the sink. */
void ownkey_token_log_connect(const struct ownkey_conf *conf);

#endif
