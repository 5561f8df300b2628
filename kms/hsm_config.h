/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_config.h - where a key in an HSM is and how it is used: URI and options
 * put together. Pure.
 */
#ifndef OWNKEY_KMS_HSM_CONFIG_H
#define OWNKEY_KMS_HSM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "kms/hsm_ck.h"
#include "kms/hsm_pin.h"
#include "kms/hsm_uri.h"

enum {
    OWNKEY_HSM_SESSIONS_MAX = 256,
    OWNKEY_HSM_SERIAL_MAX = 16, /* bytes, PKCS#11 */
};

/* pkcs11.mechanism: how a KEK wraps; auto asks the token. */
enum ownkey_hsm_mechanism {
    OWNKEY_HSM_AUTO,
    OWNKEY_HSM_AES_KWP,
    OWNKEY_HSM_AES_GCM,
    OWNKEY_HSM_OAEP_SHA256,
    OWNKEY_HSM_OAEP_SHA1,
};

/* Zero value: empty. */
struct ownkey_hsm_config {
    struct ownkey_hsm_uri uri;
    char *module;              /* path, or a name that p11-kit knows */
    bool by_path;
    char *init_args;           /* for pReserved of C_Initialize, or NULL */
    struct ownkey_hsm_pin_source pin;
    char *pin_name;            /* what pin.name points at */
    enum ownkey_hsm_mechanism mechanism;
    CK_MECHANISM_TYPE kwp;     /* the vendor's own number, 0: PKCS#11's */
    bool gcm_iv_by_hsm;
    char *other_serials;       /* separated by blanks, or NULL */
    unsigned sessions;
    uint64_t timeout_ms;       /* of an operation with all its calls */
};

/* OWNKEY_CONFIG: what is wrong, with its place in the file. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_config_init(struct ownkey_hsm_config *config, const char *uri,
                       const struct ownkey_options *options,
                       struct ownkey_error *err);

void ownkey_hsm_config_clear(struct ownkey_hsm_config *config);

#endif
