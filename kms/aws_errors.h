/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_errors.h - what AWS KMS and AWS STS mean by an error reply. Pure.
 */
#ifndef OWNKEY_KMS_AWS_ERRORS_H
#define OWNKEY_KMS_AWS_ERRORS_H

#include "base/status.h"
#include "kms/http.h"
#include "kms/retry.h"

/* What may put things right before one more attempt. */
enum ownkey_aws_remedy {
    OWNKEY_AWS_REMEDY_NONE,
    OWNKEY_AWS_REMEDY_CLOCK,       /* sign with the service's time */
    OWNKEY_AWS_REMEDY_CREDENTIALS, /* read our credentials again */
};

struct ownkey_aws_verdict {
    enum ownkey_retry retry;
    enum ownkey_aws_remedy remedy;
};

/*
 * Reads a reply that is not a success: fills err with the service's code and
 * text, HTTP status, request id and what to do, and returns its status.
 */
enum ownkey_status ownkey_aws_error(const struct ownkey_http_reply *reply,
                                    struct ownkey_aws_verdict *verdict,
                                    struct ownkey_error *err);

/* The same for a code and text that were read elsewhere: STS speaks XML. */
enum ownkey_status ownkey_aws_error_of(const struct ownkey_http_reply *reply,
                                       const char *code, const char *text,
                                       struct ownkey_aws_verdict *verdict,
                                       struct ownkey_error *err);

#endif
