/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/module.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"
#include "conf/conf.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* Guarded by the lock. */
static struct ownkey_p11 *current;
static uint64_t current_generation;
static bool initializing;
static unsigned waiting;

/*
 * What a forked child found in `current`. Its tokens go on in the child,
 * which may no longer be able to read the configuration; the rest stays
 * behind untouched, since other threads may have been changing it.
 */
static struct ownkey_p11 *left_behind;

static _Thread_local bool in_initialize;

void
ownkey_p11_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

bool
ownkey_p11_trylock(void)
{
    return pthread_mutex_trylock(&lock) == 0;
}

void
ownkey_p11_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void
forget_parent(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    (void)pthread_cond_init(&changed, NULL);
    if (current != NULL) {
        ownkey_p11_forget_locked(current);
        left_behind = current;
    }
    current = NULL;
    initializing = false;
    waiting = 0;
}

static void
register_fork_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = ownkey_p11_lock,
        .parent = ownkey_p11_unlock,
        .child = forget_parent,
    };

    ownkey_fork_register(&hooks);
}

/* ---- into the module and out ---- */

bool
ownkey_p11_is_current_locked(const struct ownkey_p11 *module)
{
    return module != NULL && module == current &&
           current_generation == ownkey_fork_generation();
}

CK_RV
ownkey_p11_enter_locked(struct ownkey_p11 **module)
{
    if (!ownkey_p11_is_current_locked(current))
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    current->refs++;
    *module = current;
    return CKR_OK;
}

CK_RV
ownkey_p11_enter(struct ownkey_p11 **module)
{
    CK_RV rv;

    if (ownkey_libctx_inside())
        return CKR_FUNCTION_FAILED;
    ownkey_p11_lock();
    rv = ownkey_p11_enter_locked(module);
    ownkey_p11_unlock();
    if (rv == CKR_OK)
        (void)ERR_set_mark(); /* the error queue belongs to the host */
    return rv;
}

bool
ownkey_p11_unref_locked(struct ownkey_p11 *module)
{
    return --module->refs == 0;
}

void
ownkey_p11_leave(struct ownkey_p11 *module)
{
    bool last;

    ownkey_p11_lock();
    last = ownkey_p11_unref_locked(module);
    ownkey_p11_unlock();
    if (last)
        ownkey_p11_destroy(module);
    (void)ERR_pop_to_mark();
}

void
ownkey_p11_wait_locked(void)
{
    waiting++;
    (void)pthread_cond_wait(&changed, &lock);
    waiting--;
}

void
ownkey_p11_wake_locked(void)
{
    if (waiting > 0)
        (void)pthread_cond_broadcast(&changed);
}

void
ownkey_p11_destroy(struct ownkey_p11 *module)
{
    struct ownkey_p11_object *object;
    size_t pos = 0;

    if (module == NULL)
        return;
    if (module->tokens != NULL)
        ownkey_tokens_set_keeper(module->tokens, NULL, NULL);
    ownkey_p11_sessions_close(module, NULL);
    while ((object = ownkey_p11_table_next(&module->objects, &pos)) != NULL)
        ownkey_p11_object_free(object);
    ownkey_p11_table_clear(&module->objects);
    ownkey_p11_table_clear(&module->sessions);
    for (size_t i = 0; i < module->slot_count; i++)
        ownkey_p11_slot_clear(&module->slots[i]);
    free(module->slots);
    ownkey_tokens_close(module->tokens);
    free(module);
}

/* ---- C_Initialize ---- */

static CK_RV
check_args(const void *init_args, bool *no_threads, char **config)
{
    CK_C_INITIALIZE_ARGS args;
    int mutexes;

    if (init_args == NULL)
        return CKR_OK;
    memcpy(&args, init_args, sizeof(args));
    mutexes = (args.CreateMutex != NULL) + (args.DestroyMutex != NULL) +
              (args.LockMutex != NULL) + (args.UnlockMutex != NULL);
    if (mutexes != 0 && mutexes != 4)
        return CKR_ARGUMENTS_BAD;
    /* OpenSSL and libcurl lock with the system's: so must we. */
    if (mutexes == 4 && (args.flags & CKF_OS_LOCKING_OK) == 0)
        return CKR_CANT_LOCK;
    *no_threads = (args.flags & CKF_LIBRARY_CANT_CREATE_OS_THREADS) != 0;
    if (args.pReserved == NULL)
        return CKR_OK;
    return ownkey_p11_settings_parse(args.pReserved, config);
}

/* The tokens of the parent process, when they are of the same file. */
static struct ownkey_tokens *
take_inherited(const char *config)
{
    struct ownkey_tokens *tokens = NULL;
    char *path = NULL;

    if (left_behind == NULL || left_behind->tokens == NULL ||
        ownkey_conf_find(config, &path) != OWNKEY_OK)
        return NULL;
    if (strcmp(path, ownkey_tokens_conf(left_behind->tokens)->path) == 0) {
        tokens = left_behind->tokens;
        left_behind->tokens = NULL;
    }
    free(path);
    return tokens;
}

/*
 * No usable configuration is no failure here: p11-kit loads us into every
 * program of the host, also where ownkey is not set up. There are no slots,
 * and the log and `ownkey check` say why.
 */
static void
open_tokens(struct ownkey_p11 *module, const char *config, bool no_threads)
{
    struct ownkey_tokens_options options = {
        .config = config,
        .no_threads = no_threads,
    };
    struct ownkey_error err = {0};

    module->tokens = take_inherited(config);
    if (module->tokens != NULL)
        return;
    if (ownkey_tokens_open(&options, &module->tokens, &err) != OWNKEY_OK) {
        module->tokens = NULL;
        ownkey_log(OWNKEY_LOG_ERROR, "pkcs11: no tokens: %s", err.text);
    }
}

static bool
add_token_object(struct ownkey_p11_object *object, void *arg)
{
    struct ownkey_p11 *module = arg;

    object->handle = module->objects.len + 1;
    return ownkey_p11_table_add(&module->objects, object->handle, object);
}

static CK_RV
open_slots(struct ownkey_p11 *module)
{
    size_t count = ownkey_tokens_count(module->tokens);
    CK_RV rv = CKR_OK;

    if (count == 0)
        return CKR_OK;
    module->slots = calloc(count, sizeof(*module->slots));
    if (module->slots == NULL)
        return CKR_HOST_MEMORY;
    for (size_t i = 0; rv == CKR_OK && i < count; i++) {
        struct ownkey_p11_slot *slot = &module->slots[module->slot_count++];

        rv = ownkey_p11_slot_init(slot, i,
                                  ownkey_tokens_at(module->tokens, i));
        if (rv == CKR_OK && slot->usable)
            rv = ownkey_p11_token_objects(slot, add_token_object, module);
    }
    return rv;
}

static CK_RV
make_module(const char *config, bool no_threads, struct ownkey_p11 **out)
{
    struct ownkey_p11 *module = calloc(1, sizeof(*module));
    CK_RV rv;

    if (module == NULL)
        return CKR_HOST_MEMORY;
    module->refs = 1;
    open_tokens(module, config, no_threads);
    rv = module->tokens != NULL ? open_slots(module) : CKR_OK;
    if (rv != CKR_OK) {
        ownkey_p11_destroy(module);
        return rv;
    }
    if (module->tokens != NULL)
        ownkey_tokens_set_keeper(module->tokens, ownkey_p11_tidy, module);
    *out = module;
    return CKR_OK;
}

/* Of several threads one goes on with CKR_OK, when nobody has finished yet. */
static CK_RV
become_initializer(void)
{
    CK_RV rv = CKR_OK;

    ownkey_p11_lock();
    while (initializing)
        ownkey_p11_wait_locked();
    if (ownkey_p11_is_current_locked(current))
        rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    else
        initializing = true;
    ownkey_p11_unlock();
    return rv;
}

static CK_RV
initialize(const char *config, bool no_threads)
{
    struct ownkey_p11 *made = NULL;
    CK_RV rv = become_initializer();

    if (rv != CKR_OK)
        return rv;
    in_initialize = true;
    rv = make_module(config, no_threads, &made);
    in_initialize = false;
    ownkey_p11_lock();
    if (rv == CKR_OK) {
        current = made;
        current_generation = ownkey_fork_generation();
    }
    initializing = false;
    ownkey_p11_wake_locked();
    ownkey_p11_unlock();
    return rv;
}

CK_RV
C_Initialize(void *init_args)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool no_threads = false;
    char *config = NULL;
    CK_RV rv;

    if (ownkey_libctx_inside() || in_initialize)
        return CKR_FUNCTION_FAILED;
    (void)pthread_once(&once, register_fork_hooks);
    (void)ERR_set_mark();
    rv = check_args(init_args, &no_threads, &config);
    if (rv == CKR_OK)
        rv = initialize(config, no_threads);
    free(config);
    (void)ERR_pop_to_mark();
    return rv;
}

CK_RV
C_Finalize(void *reserved)
{
    struct ownkey_p11 *module;
    CK_RV rv;

    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    rv = ownkey_p11_enter(&module);
    if (rv != CKR_OK)
        return rv;
    ownkey_p11_lock();
    if (module == current) {
        current = NULL;
        (void)ownkey_p11_unref_locked(module);
    } else {
        rv = CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    ownkey_p11_unlock();
    if (rv == CKR_OK)
        ownkey_p11_sessions_close(module, NULL);
    ownkey_p11_leave(module);
    return rv;
}

/* "0.1.0": what PKCS#11 has room for. */
CK_VERSION
ownkey_p11_version(void)
{
    char *rest;
    CK_VERSION v;

    v.major = (unsigned char)strtoul(PACKAGE_VERSION, &rest, 10);
    v.minor = (unsigned char)(*rest == '.' ? strtoul(rest + 1, NULL, 10) : 0);
    return v;
}

CK_RV
C_GetInfo(CK_INFO *info)
{
    CK_INFO out = {.cryptokiVersion = {2, 40}};
    struct ownkey_p11 *module;
    CK_RV rv;

    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    rv = ownkey_p11_enter(&module);
    if (rv != CKR_OK)
        return rv;
    ownkey_p11_pad(out.manufacturerID, sizeof(out.manufacturerID), "ownkey");
    ownkey_p11_pad(out.libraryDescription, sizeof(out.libraryDescription),
                   "ownkey: KMS keys as tokens");
    out.libraryVersion = ownkey_p11_version();
    ownkey_p11_put(info, &out, sizeof(out));
    ownkey_p11_leave(module);
    return CKR_OK;
}
