/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awskms.h - a key in AWS KMS.
 *
 * URIs: awskms:///ID, awskms://HOST[:PORT]/ID (a custom endpoint), where ID is
 * a key ARN, key ID, alias/NAME or alias ARN. Options: aws.region, aws.profile,
 * aws.endpoint, aws.access_key_id, aws.secret_access_key, aws.session_token,
 * ca_file, timeout (10s), connect_timeout (3s); then what AWS's own tools read
 * (AWS_REGION, AWS_ENDPOINT_URL_KMS, AWS_CA_BUNDLE, the profile...).
 *
 * The key id is sent with every request and compared in every reply. Under an
 * alias new keys are wrapped by the key it points to now; what was wrapped by
 * one it pointed to before still opens, if that is of the same account.
 */
#ifndef OWNKEY_KMS_AWSKMS_H
#define OWNKEY_KMS_AWSKMS_H

#include "kms/kms.h"

extern const struct ownkey_kms_driver ownkey_awskms_driver;

#endif
