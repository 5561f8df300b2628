/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - strict reading and careful writing of small JSON documents, over
 * cJSON, for all services.
 *
 * cJSON keeps copies on the heap: what was parsed is wiped when it is freed,
 * and what is printed goes straight into secret memory. Text given to
 * cJSON_CreateStringReference is not copied.
 */
#ifndef OWNKEY_KMS_JSON_H
#define OWNKEY_KMS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

/*
 * Parses one JSON object and nothing after it. OWNKEY_PROTOCOL: it is not, or
 * it holds a NUL character, which cJSON's strings cannot.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_parse(struct ownkey_blob text,
                                                       cJSON **object);

/* Wipes all strings, then frees. Accepts NULL. */
void ownkey_json_free(cJSON *item);

/*
 * A string member; *value is NULL when it is missing or null, and lives as
 * long as the object. OWNKEY_PROTOCOL: another type, or the name is twice.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_text(const cJSON *object,
                                                      const char *name,
                                                      const char **value);

/* A string that has to be there: err says what is wrong. OWNKEY_PROTOCOL. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_json_need_text(const cJSON *object, const char *name, const char **value,
                      struct ownkey_error *err);

/* The same for a number; *value is 0 when it is missing or null. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_number(const cJSON *object,
                                                        const char *name,
                                                        double *value);

/* The same for an object. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_object(const cJSON *object,
                                                        const char *name,
                                                        const cJSON **value);

/* The same for a list. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_list(const cJSON *object,
                                                      const char *name,
                                                      const cJSON **value);

/* The same for true and false; *value is false when it is missing or null. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_bool(const cJSON *object,
                                                      const char *name,
                                                      bool *value);

/*
 * The same for a whole number from 0 to 2^53, as a number or, as protocol
 * buffers and Google have 64-bit ones, as decimal digits in a string.
 * *present is false when it is missing or null.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_json_whole(const cJSON *object,
                                                       const char *name,
                                                       bool *present,
                                                       uint64_t *value);

/* Adds a string that lives until the object is freed. false: no memory. */
bool ownkey_json_add_text(cJSON *object, const char *name, const char *value);

/* Prints in one line, without a NUL. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_json_print(cJSON *item, struct ownkey_secret *out);

#endif
