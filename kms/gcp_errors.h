/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_errors.h - what Google Cloud KMS means by an error reply. Pure.
 *
 * google.rpc.Status in JSON: the status decides, then the reason in its
 * details, then, where the service says a thing in words only, the words. The
 * HTTP status alone never does: 400 is a disabled key and a wrong ciphertext.
 */
#ifndef OWNKEY_KMS_GCP_ERRORS_H
#define OWNKEY_KMS_GCP_ERRORS_H

#include <stdbool.h>

#include "base/status.h"
#include "kms/http.h"
#include "kms/rest.h"

/*
 * Reads a reply that is not a success: fills err with the service's code and
 * text, HTTP status, request id and what to do, and returns its status.
 *
 * service     whose words these are, for people
 * decryption  an argument that the service refuses is the ciphertext
 */
enum ownkey_status
ownkey_gcp_error(const struct ownkey_rest_service *service,
                 const struct ownkey_http_reply *reply, bool decryption,
                 struct ownkey_verdict *verdict, struct ownkey_error *err);

#endif
