/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcpkms_help.h - the double of Google Cloud KMS for unit tests, and keys
 * opened at it. The environment holds nothing of Google's unless a test sets
 * it. Orders and counters: awskms_help.h.
 */
#ifndef OWNKEY_TESTS_UNIT_GCPKMS_HELP_H
#define OWNKEY_TESTS_UNIT_GCPKMS_HELP_H

#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"

#define GCP_RING                                                               \
    "projects/example-project/locations/europe-west3/keyRings/ring/"           \
    "cryptoKeys/"

int gcp_start(const char *arguments);

void gcp_clear_environment(void);

/* A path in the double's folder; valid till the next but three such calls. */
const char *gcp_path(const char *name);

/* The base URL of a further listener, "oauth" or "metadata". */
const char *gcp_endpoint(const char *listener);

/* Endpoint, timeout, and the service account's file as gcp.credentials. */
void gcp_options(struct ownkey_options *o);

/* With one option more: NAME, VALUE or NULL; key: "kek", "p256/1". */
enum ownkey_status gcp_try_open(const char *key, enum ownkey_key_type type,
                                const char *name, const char *value,
                                struct ownkey_blob public_key,
                                struct ownkey_kms **kms,
                                struct ownkey_error *err);
/* The test fails if it does. */
struct ownkey_kms *gcp_open(const char *key, enum ownkey_key_type type);
struct ownkey_kms *gcp_open_with(const char *key, enum ownkey_key_type type,
                                 const char *name, const char *value);

/* Unwraps by the algorithm that the wrap named. */
enum ownkey_status gcp_unwrap(struct ownkey_kms *kms,
                              const struct ownkey_wrap_reply *w,
                              const char *text, struct ownkey_error *err);

/* Requests of that operation since the last such call. */
long gcp_calls(const char *operation);

#endif
