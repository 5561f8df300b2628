/* SPDX-License-Identifier: Apache-2.0 */
/* Status to OpenSSL reason: the one table of this face. */
#include "provider/internal.h"

#include <stdarg.h>

#include "base/libctx.h"

/* A reason is its status and this; 0 is no reason in OpenSSL. */
enum { REASON_BASE = 100 };

static const OSSL_ITEM reasons[] = {
    {REASON_BASE + OWNKEY_NOMEM, (void *)"out of memory"},
    {REASON_BASE + OWNKEY_ARG, (void *)"invalid argument"},
    {REASON_BASE + OWNKEY_CONFIG, (void *)"configuration error"},
    {REASON_BASE + OWNKEY_NOT_FOUND, (void *)"no such token or key"},
    {REASON_BASE + OWNKEY_UNSUPPORTED, (void *)"not supported by this key"},
    {REASON_BASE + OWNKEY_IO, (void *)"file error"},
    {REASON_BASE + OWNKEY_DENIED, (void *)"access denied by the KMS"},
    {REASON_BASE + OWNKEY_DISABLED, (void *)"key disabled in the KMS"},
    {REASON_BASE + OWNKEY_PENDING_DELETION,
     (void *)"key scheduled for deletion in the KMS"},
    {REASON_BASE + OWNKEY_GONE, (void *)"key gone from the KMS"},
    {REASON_BASE + OWNKEY_UNREACHABLE, (void *)"KMS unreachable"},
    {REASON_BASE + OWNKEY_THROTTLED, (void *)"KMS throttles requests"},
    {REASON_BASE + OWNKEY_CREDENTIALS,
     (void *)"KMS credentials missing or refused"},
    {REASON_BASE + OWNKEY_DAMAGED, (void *)"damaged or of another context"},
    {REASON_BASE + OWNKEY_PROTOCOL, (void *)"wrong reply from the KMS"},
    {0, NULL},
};

const OSSL_ITEM *
ownkey_prov_reasons(void)
{
    return reasons;
}

int
ownkey_prov_reason(enum ownkey_status st)
{
    return REASON_BASE + (int)st;
}

static void
put(const struct ownkey_prov *prov, enum ownkey_status st, const char *fmt,
    va_list args)
{
    if (prov->new_error == NULL || prov->vset_error == NULL)
        return;
    prov->new_error(prov->handle);
    prov->vset_error(prov->handle, (uint32_t)ownkey_prov_reason(st), fmt, args);
}

int
ownkey_prov_fail(const struct ownkey_prov *prov, enum ownkey_status st,
                 const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put(prov, st, fmt, args);
    va_end(args);
    return 0;
}

int
ownkey_prov_raise(const struct ownkey_prov *prov,
                  const struct ownkey_error *err)
{
    char line[1024];

    return ownkey_prov_fail(prov, err->status, "%s",
                            ownkey_error_line(err, line, sizeof(line)));
}

bool
ownkey_prov_may_call(const struct ownkey_prov *prov)
{
    if (!ownkey_libctx_inside())
        return true;
    ownkey_prov_fail(prov, OWNKEY_UNSUPPORTED,
                     "asked for a KMS key inside a KMS call");
    return false;
}
