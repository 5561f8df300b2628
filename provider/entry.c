/* SPDX-License-Identifier: Apache-2.0 */
/* The module's one exported symbol. */
#include "provider/internal.h"

OSSL_provider_init_fn OSSL_provider_init __attribute__((visibility("default")));

int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                   const OSSL_DISPATCH **out, void **provctx)
{
    return ownkey_prov_init(handle, in, out, provctx);
}
