/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_module.h - the PKCS#11 module of an HSM: loaded and initialised at its
 * first use, once for the process, and again in a forked child.
 *
 * It is never finalised and never unloaded: the host may use it too, and
 * modules are known to crash when that happens while the process ends.
 */
#ifndef OWNKEY_KMS_HSM_MODULE_H
#define OWNKEY_KMS_HSM_MODULE_H

#include "base/status.h"
#include "kms/hsm_config.h"

struct ownkey_hsm_module {
    struct ownkey_hsm_module *next; /* all below under the lock of hsm_run.h */
    char *name;
    bool by_path;
    char *init_args;
    CK_FUNCTION_LIST *p11;   /* NULL until loaded; set once */
    bool busy;               /* a thread is initialising it */
    bool ready;
    uint64_t epoch;          /* +1 with each initialisation; 0: none yet */
    uint64_t generation;     /* the process it was initialised in */
};

/* What a module is to be used with for one operation. */
struct ownkey_hsm_use {
    struct ownkey_hsm_module *module;
    CK_FUNCTION_LIST *p11;
    uint64_t epoch;
};

/* The one of that name; nothing is loaded yet. NULL: no memory. Not freed. */
struct ownkey_hsm_module *
ownkey_hsm_module_get(const struct ownkey_hsm_config *config);

/*
 * Loads and initialises it unless that was done. Without the lock; may take
 * as long as the module does.
 *
 * OWNKEY_CONFIG: no such module, or it is ownkey's own.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_module_use(struct ownkey_hsm_module *module, uint64_t deadline_ms,
                      struct ownkey_hsm_use *use, struct ownkey_error *err);

/* In a child, before fork() returns. */
void ownkey_hsm_modules_forget(void);

#endif
