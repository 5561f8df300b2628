/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_errors.h - what a refusal means: the table of Azure Key Vault and
 * Managed HSM, and that of Entra ID, which gives out the tokens. Pure.
 */
#ifndef OWNKEY_KMS_AZURE_ERRORS_H
#define OWNKEY_KMS_AZURE_ERRORS_H

#include "base/status.h"
#include "kms/http.h"
#include "kms/rest.h"

/*
 * A reply of a vault that is not 2xx: fills err with status, code (the inner
 * one where there is one), text and hint. operation: "unwrapkey", ..., since
 * one code means several things. hsm: of a Managed HSM.
 */
enum ownkey_status
ownkey_azure_error(const struct ownkey_rest_service *service,
                   const char *operation, bool hsm,
                   const struct ownkey_http_reply *reply,
                   struct ownkey_verdict *verdict, struct ownkey_error *err);

/*
 * A reply of the token endpoint that is not 2xx; code: "AADSTS7000222".
 * now_s: this host's clock.
 */
enum ownkey_status
ownkey_azure_login_error(const struct ownkey_rest_service *service,
                         int64_t now_s, const struct ownkey_http_reply *reply,
                         struct ownkey_verdict *verdict,
                         struct ownkey_error *err);

/* One of an endpoint for managed identities; code: its "error". */
enum ownkey_status
ownkey_azure_identity_error(const struct ownkey_rest_service *service,
                            const struct ownkey_http_reply *reply,
                            struct ownkey_verdict *verdict,
                            struct ownkey_error *err);

#endif
