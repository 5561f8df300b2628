/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_job.h - one operation with one key: its attempts, in a thread that may
 * outlive the interest in it. So a job has copies of all it works on.
 */
#ifndef OWNKEY_KMS_HSM_JOB_H
#define OWNKEY_KMS_HSM_JOB_H

#include <stdatomic.h>

#include "kms/hsm_ops.h"

/* An open key: of the driver's handle and of jobs that still run. */
struct ownkey_hsm_key {
    atomic_uint refs;
    struct ownkey_hsm_config config;
    struct ownkey_bytes public_key; /* as configured */
    enum ownkey_key_type type;
    struct ownkey_hsm_token *token;
    struct ownkey_hsm_object found; /* under the lock of hsm_run.h */
    bool kwp_proven;                /* too: for that object */
};

void ownkey_hsm_key_unref(struct ownkey_hsm_key *key);

struct ownkey_hsm_job {
    enum ownkey_status (*attempt)(struct ownkey_hsm_job *); /* hsm.c */
    struct ownkey_hsm_key *key;         /* a reference */
    struct ownkey_hsm_call call;
    struct ownkey_hsm_object object;    /* of this attempt */
    enum ownkey_status status;
    struct ownkey_error error;

    /* What goes in; blobs inside point into bytes. */
    struct ownkey_secret plain;
    struct ownkey_bytes bytes[2];
    struct ownkey_hsm_sealing sealing;
    struct ownkey_sign_request sign;
    struct ownkey_decrypt_request decrypt;
    char *id;
    const char *algorithm;

    /* What comes out. */
    struct ownkey_secret secret_out;
    struct ownkey_bytes bytes_out;
    struct ownkey_key_info info;
};

/* NULL: no memory. */
struct ownkey_hsm_job *
ownkey_hsm_job_new(struct ownkey_hsm_key *key,
                   enum ownkey_status (*attempt)(struct ownkey_hsm_job *));

/*
 * Runs it. true: done, with job->status and job->error. false: it takes longer
 * than config.timeout_ms; the job is no longer the caller's.
 */
OWNKEY_MUST_CHECK bool ownkey_hsm_job_run(struct ownkey_hsm_job *job);

/* Accepts NULL. Wipes what went in and out. */
void ownkey_hsm_job_free(struct ownkey_hsm_job *job);

#endif
