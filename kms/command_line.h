/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_line.h - a program with its arguments in one line, as configuration
 * files have it (credential_process).
 */
#ifndef OWNKEY_KMS_COMMAND_LINE_H
#define OWNKEY_KMS_COMMAND_LINE_H

#include "base/status.h"

/*
 * Splits a command line as a POSIX shell would split words, with quotes and
 * backslashes, and nothing else: no variables, no wildcards, no redirection.
 * *argv is NULL-terminated, freed by ownkey_command_line_free.
 * OWNKEY_CONFIG: a quote that does not end, or no program; OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_command_line_split(const char *command, char ***argv,
                          struct ownkey_error *err);

/* Accepts NULL. */
void ownkey_command_line_free(char **argv);

#endif
