/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* dladdr */
#include "kms/hsm_module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>

#include "base/fork.h"
#include "kms/hsm_errors.h"
#include "kms/hsm_run.h"

static struct ownkey_hsm_module *modules;

/* ---- the list -------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct ownkey_hsm_module *
module_new(const struct ownkey_hsm_config *config)
{
    struct ownkey_hsm_module *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return NULL;
    m->by_path = config->by_path;
    m->name = strdup(config->module);
    if (config->init_args != NULL)
        m->init_args = strdup(config->init_args);
    if (m->name != NULL &&
        (m->init_args != NULL || config->init_args == NULL))
        return m;
    free(m->name);
    free(m->init_args);
    free(m);
    return NULL;
}

/* A module is initialised once: the first key's init_args are those it has. */
struct ownkey_hsm_module *
ownkey_hsm_module_get(const struct ownkey_hsm_config *config)
{
    struct ownkey_hsm_module *m;

    ownkey_hsm_lock();
    for (m = modules; m != NULL; m = m->next)
        if (m->by_path == config->by_path && same_text(m->name, config->module))
            break;
    if (m == NULL && (m = module_new(config)) != NULL) {
        m->next = modules;
        modules = m;
    }
    ownkey_hsm_unlock();
    return m;
}

void
ownkey_hsm_modules_forget(void)
{
    for (struct ownkey_hsm_module *m = modules; m != NULL; m = m->next) {
        m->busy = false;
        m->ready = false;
    }
}

/* ---- loading --------------------------------------------------------- */

/* Whoever can write the file runs code in this process. */
static enum ownkey_status
check_file(const char *path, struct ownkey_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the PKCS#11 module %s cannot be found: %s", path,
                           strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the PKCS#11 module %s is not a regular file", path);
    if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
        (st.st_mode & S_IWOTH) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the PKCS#11 module %s may be changed by others "
                           "(owner %ld, mode %04o); it has to belong to root "
                           "or to user %ld, who runs this",
                           path, (long)st.st_uid,
                           (unsigned)st.st_mode & 07777, (long)geteuid());
    return OWNKEY_OK;
}

static enum ownkey_status
load_path(const char *path, CK_FUNCTION_LIST **p11, struct ownkey_error *err)
{
    enum ownkey_status st = check_file(path, err);
    const char *why;

    if (st != OWNKEY_OK)
        return st;
    *p11 = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
    if (*p11 != NULL)
        return OWNKEY_OK;
    why = p11_kit_message();
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "the PKCS#11 module %s cannot be loaded: %s", path,
                       why != NULL ? why : "p11-kit gives no reason");
}

/* The list is kept: it holds the module. */
static enum ownkey_status
load_name(const char *name, CK_FUNCTION_LIST **p11, struct ownkey_error *err)
{
    CK_FUNCTION_LIST **list = p11_kit_modules_load(NULL, 0);

    *p11 = list != NULL ? p11_kit_module_for_name(list, name) : NULL;
    if (*p11 != NULL)
        return OWNKEY_OK;
    if (list != NULL)
        p11_kit_modules_release(list);
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "p11-kit knows no module named %.64s that can be "
                       "loaded; `p11-kit list-modules` shows those there are",
                       name);
}

/* By the file its code is in, whatever name that was loaded by. */
static bool
is_own_file(CK_FUNCTION_LIST *p11)
{
    Dl_info theirs, ours;
    const char *base;

    if (dladdr((void *)p11->C_GetFunctionList, &theirs) == 0)
        return false;
    if (dladdr((void *)is_own_file, &ours) != 0 &&
        theirs.dli_fbase == ours.dli_fbase)
        return true;
    base = strrchr(theirs.dli_fname, '/');
    return strncmp(base != NULL ? base + 1 : theirs.dli_fname,
                   "ownkey-pkcs11.", 14) == 0;
}

static enum ownkey_status
fail_own(const char *name, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s is ownkey's own PKCS#11 module; name that of the "
                       "HSM",
                       name);
}

static enum ownkey_status
load(struct ownkey_hsm_module *m, struct ownkey_error *err)
{
    CK_FUNCTION_LIST *p11 = NULL;
    enum ownkey_status st = m->by_path ? load_path(m->name, &p11, err)
                                       : load_name(m->name, &p11, err);

    if (st == OWNKEY_OK && is_own_file(p11))
        st = fail_own(m->name, err);
    if (st != OWNKEY_OK)
        return st;
    ownkey_hsm_lock();
    m->p11 = p11;
    ownkey_hsm_unlock();
    return OWNKEY_OK;
}

/* ---- initialising ---------------------------------------------------- */

/* A copy of our own module under another name. */
static enum ownkey_status
check_maker(struct ownkey_hsm_module *m, bool ours, struct ownkey_error *err)
{
    static const char maker[] = "ownkey ";
    CK_INFO info;
    CK_RV rv;

    memset(&info, 0, sizeof(info));
    rv = m->p11->C_GetInfo(&info);
    if (rv != CKR_OK)
        return ownkey_hsm_fail(err, rv, "C_GetInfo");
    if (memcmp(info.manufacturerID, maker, sizeof(maker) - 1) != 0)
        return OWNKEY_OK;
    if (ours)
        (void)m->p11->C_Finalize(NULL);
    return fail_own(m->name, err);
}

/*
 * PKCS#11 v2.40, 5.4: a child calls C_Initialize itself. A module that does
 * not notice the fork says that it is initialised already, and goes on.
 */
static enum ownkey_status
initialise(struct ownkey_hsm_module *m, struct ownkey_error *err)
{
    CK_C_INITIALIZE_ARGS args = {
        .flags = CKF_OS_LOCKING_OK,
        .pReserved = m->init_args,
    };
    CK_RV rv = m->p11->C_Initialize(&args);

    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return ownkey_hsm_fail(err, rv, "C_Initialize");
    return check_maker(m, rv == CKR_OK, err);
}

static enum ownkey_status
make_ready(struct ownkey_hsm_module *m, struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    ownkey_hsm_enter();
    if (m->p11 == NULL)
        st = load(m, err);
    if (st == OWNKEY_OK)
        st = initialise(m, err);
    ownkey_hsm_leave();
    return st;
}

static enum ownkey_status
lead(struct ownkey_hsm_module *m, uint64_t generation, struct ownkey_error *err)
{
    enum ownkey_status st;

    m->busy = true;
    ownkey_hsm_unlock();
    st = make_ready(m, err);
    ownkey_hsm_lock();
    m->busy = false;
    if (st == OWNKEY_OK) {
        m->ready = true;
        m->generation = generation;
        m->epoch++;
    }
    ownkey_hsm_wake();
    return st;
}

enum ownkey_status
ownkey_hsm_module_use(struct ownkey_hsm_module *m, uint64_t deadline_ms,
                      struct ownkey_hsm_use *use, struct ownkey_error *err)
{
    uint64_t generation = ownkey_fork_generation();
    enum ownkey_status st = OWNKEY_OK;

    ownkey_hsm_lock();
    if (m->generation != generation) /* a child without atfork handlers */
        m->ready = false;
    while (st == OWNKEY_OK && !m->ready) {
        if (!m->busy)
            st = lead(m, generation, err);
        else if (!ownkey_hsm_wait(deadline_ms) && m->busy)
            st = ownkey_fail(err, OWNKEY_UNREACHABLE,
                             "the PKCS#11 module %s is still initialising "
                             "itself",
                             m->name);
    }
    if (st == OWNKEY_OK)
        *use = (struct ownkey_hsm_use){ m, m->p11, m->epoch };
    ownkey_hsm_unlock();
    return st;
}
