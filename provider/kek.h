/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kek.h - what a symmetric KEK does: wrap and unwrap (asymmetric cipher:
 * `openssl pkeyutl -encrypt`), new data key and unwrap (KEM).
 *
 * Parameter `context`, "NAME=VALUE", in both; given again it adds.
 */
#ifndef OWNKEY_PROVIDER_KEK_H
#define OWNKEY_PROVIDER_KEK_H

#include "provider/internal.h"

#define OWNKEY_PROV_PARAM_CONTEXT "context"
/* KEM: bytes of a new data key; 32 unless set. */
#define OWNKEY_PROV_PARAM_LENGTH "length"

extern const OSSL_DISPATCH ownkey_prov_kek_cipher[];

#endif
