/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a program prints: credential_process of a profile. */
#include "base/process.h"
#include "kms/aws_document.h"
#include "kms/aws_fetch.h"
#include "kms/command_line.h"

enum { OUTPUT_MAX = 16 << 10 }; /* bytes */

/*
 * What the program says on standard error is not repeated: a script that
 * traces itself says its secrets there.
 */
static enum ownkey_status
read_output(const struct ownkey_process_result *result,
            struct ownkey_aws_key *key, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (result->exit_code > 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the program failed with exit status %d; run it by "
                           "hand to see why", result->exit_code);
    st = ownkey_aws_document_read(OWNKEY_AWS_PROCESS_DOCUMENT,
                                  ownkey_blob_secret(&result->output), key,
                                  err);
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "what the program prints is wrong");
    return st;
}

enum ownkey_status
ownkey_aws_fetch_process(const struct ownkey_aws_fetch *f,
                         struct ownkey_aws_key *key, struct ownkey_error *err)
{
    struct ownkey_process_result result = { 0 };
    char **argv = NULL;
    enum ownkey_status st = ownkey_command_line_split(
        ownkey_aws_plan_profile(f->plan)
            ->settings[OWNKEY_AWS_CREDENTIAL_PROCESS], &argv, err);

    if (st != OWNKEY_OK)
        return st;
    const struct ownkey_process process = {
        .argv = (const char *const *)argv,
        .limit_ms = ownkey_aws_fetch_left(f),
        .output_max = OUTPUT_MAX,
        .clock = f->clock,
    };
    st = ownkey_process_run(&process, &result, err);
    if (st == OWNKEY_OK)
        st = read_output(&result, key, err);
    ownkey_process_result_clear(&result);
    ownkey_command_line_free(argv);
    return st;
}
