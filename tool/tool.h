/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.h - what the subcommands of `ownkey` share.
 *
 * Results go to stdout, everything else to stderr. With --json the one result
 * is a JSON object on stdout, also when the command failed, and stderr stays
 * empty. Exit codes are those of exit.c.
 */
#ifndef OWNKEY_TOOL_TOOL_H
#define OWNKEY_TOOL_TOOL_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/status.h"
#include "token/token.h"

enum ownkey_exit {
    OWNKEY_EXIT_DONE = 0,
    OWNKEY_EXIT_FAILED = 1,
    OWNKEY_EXIT_USAGE = 2,
    OWNKEY_EXIT_CONFIG = 3,
    OWNKEY_EXIT_DENIED = 4,
    OWNKEY_EXIT_UNREACHABLE = 5,
    OWNKEY_EXIT_DAMAGED = 6,
};

struct ownkey_tool_command;

/* One run of the program. */
struct ownkey_tool {
    const char *config; /* --config, or NULL */
    bool json;          /* --json */
    const struct ownkey_tool_command *command;
    struct ownkey_tokens *tokens; /* once ownkey_tool_open was called */
};

/* A subcommand; the table is in main.c. */
struct ownkey_tool_command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *help;      /* one line */
    const char *options;   /* lines for --help, "" if none */
    enum ownkey_exit (*run)(struct ownkey_tool *, int argc, char **argv);
};

enum ownkey_exit ownkey_tool_init(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_check(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_status(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_flush(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_wrap(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_unwrap(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_rewrap(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_key(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_store(struct ownkey_tool *, int, char **);
enum ownkey_exit ownkey_tool_localkms(struct ownkey_tool *, int, char **);

/* ---- options.c ---- */

/* The options every subcommand has, to begin its own list with. */
#define OWNKEY_TOOL_OPTIONS                                                    \
    { "config", required_argument, NULL, OWNKEY_OPTION_CONFIG },               \
        { "json", no_argument, NULL, OWNKEY_OPTION_JSON },                     \
        { "help", no_argument, NULL, OWNKEY_OPTION_HELP },                     \
    {                                                                          \
        "version", no_argument, NULL, OWNKEY_OPTION_VERSION                    \
    }

enum {
    OWNKEY_OPTION_END = -1,   /* the arguments start at optind */
    OWNKEY_OPTION_HELP = 256, /* was printed; return OWNKEY_EXIT_DONE */
    OWNKEY_OPTION_VERSION,    /* likewise */
    OWNKEY_OPTION_BAD,        /* was said; return OWNKEY_EXIT_USAGE */
    OWNKEY_OPTION_CONFIG,     /* never returned, as --json */
    OWNKEY_OPTION_JSON,
    OWNKEY_OPTION_OWN, /* the first value for a command's own */
};

/* The next of the command's own options, or one of the above. */
int ownkey_tool_option(struct ownkey_tool *tool, int argc, char **argv,
                       const struct option *list);

/*
 * For a command without options of its own: true when the arguments start at
 * optind and are min..max many; else *code is what to return.
 */
bool ownkey_tool_arguments(struct ownkey_tool *tool, int argc, char **argv,
                           int min, int max, enum ownkey_exit *code);

/* Whether the number of arguments is right; says so if not. */
bool ownkey_tool_count(struct ownkey_tool *tool, int argc, int min, int max);

/* ---- exit.c ---- */

enum ownkey_exit ownkey_tool_exit(enum ownkey_status st);

/* ---- report.c ---- */

/* A failure in words (or JSON), and its exit code. */
enum ownkey_exit ownkey_tool_fail(const struct ownkey_tool *tool,
                                  const struct ownkey_error *err);

/* A mistake on the command line. */
enum ownkey_exit ownkey_tool_usage(const struct ownkey_tool *tool,
                                   const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A message on stderr, unless --json. */
void ownkey_tool_say(const struct ownkey_tool *tool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* JSON members; text that is not UTF-8 is made so. NULL objects are passed. */
void ownkey_report_text(cJSON *object, const char *name, const char *text);
void ownkey_report_number(cJSON *object, const char *name, double number);
void ownkey_report_bool(cJSON *object, const char *name, bool value);
cJSON *ownkey_report_object(cJSON *object, const char *name);
cJSON *ownkey_report_array(cJSON *object, const char *name);
cJSON *ownkey_report_append(cJSON *array); /* a new object at its end */
void ownkey_report_error(cJSON *object, const char *name,
                         const struct ownkey_error *err);

/* Prints one line to stdout and deletes it. */
enum ownkey_exit ownkey_tool_print(cJSON *json, enum ownkey_exit code);

/* Locked memory as ownkey_secret_info has it, touched first. */
void ownkey_tool_memory(struct ownkey_secret_info *info);
/* "1024 KiB, locked" or what is wrong and what to do. Returns buf. */
const char *ownkey_tool_memory_text(const struct ownkey_secret_info *info,
                                    char *buf, size_t size);
void ownkey_report_memory(cJSON *object, const struct ownkey_secret_info *info);

/* The scheme of a URI ("awskms"), up to size - 1 chars. Returns buf. */
const char *ownkey_tool_scheme(const char *uri, char *buf, size_t size);

/* "off", "90s", "5m", "2h". Returns buf. */
const char *ownkey_tool_duration(uint64_t ms, char *buf, size_t size);

/* ---- open.c ---- */

/* Opens the configuration; a failure is said, and *code is what to return. */
bool ownkey_tool_open(struct ownkey_tool *tool, enum ownkey_exit *code);

/* A second set of the same tokens, which shares no lease with the first. */
enum ownkey_status ownkey_tool_open_again(const struct ownkey_tool *tool,
                                          struct ownkey_tokens **tokens,
                                          struct ownkey_error *err);

/* Opens, and finds what "TOKEN" or "TOKEN/NAME" names; *key NULL: a KEK. */
bool ownkey_tool_find_any(struct ownkey_tool *tool, const char *name,
                          struct ownkey_token **token, struct ownkey_key **key,
                          enum ownkey_exit *code);

/* The same, but a token it must be (key NULL) or a remote key (else). */
bool ownkey_tool_find(struct ownkey_tool *tool, const char *name,
                      struct ownkey_token **token, struct ownkey_key **key,
                      enum ownkey_exit *code);

/* "n=v" of --context, added. false: said. */
bool ownkey_tool_context(const struct ownkey_tool *tool,
                         struct ownkey_context *context, const char *text);

/* ---- files.c ---- */

/*
 * All of a file (NULL or "-": stdin) of 1..max bytes.
 * OWNKEY_ARG: it is empty or longer. OWNKEY_IO: it cannot be read.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_tool_read(const char *path,
                                                      size_t max,
                                                      struct ownkey_secret *out,
                                                      struct ownkey_error *err);

enum ownkey_tool_place {
    OWNKEY_TOOL_NEW,     /* refuse an existing file */
    OWNKEY_TOOL_REPLACE, /* --force */
};

/*
 * Writes a file, mode 0600: whole or not at all. What is no regular file (a
 * pipe, a device) is written to as it is; NULL or "-": stdout.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_tool_write(const char *path, struct ownkey_blob data,
                  enum ownkey_tool_place place, struct ownkey_error *err);

/*
 * Replaces what a regular file holds, whole or not at all, also when we are
 * killed or the disk is full; owner and mode stay. OWNKEY_IO.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_tool_update(const char *path, struct ownkey_blob data,
                   struct ownkey_error *err);

/* Whether path (as for ownkey_tool_write) is a terminal. */
bool ownkey_tool_is_terminal(const char *path);

/* ---- wrapped.c ---- */

/*
 * A wrapped key from a file (or stdin, as ownkey_tool_read), binary or base64.
 * OWNKEY_DAMAGED: neither, or of a length that no wrapped key has; err names
 * the file.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_tool_read_wrapped(const char *path, struct ownkey_bytes *wrapped,
                         bool *base64, struct ownkey_error *err);

/* Of many files the damaged one is looked for: puts its name into err. */
void ownkey_tool_name_input(const char *path, struct ownkey_error *err);

/* Base64 and end, for the caller to free. NULL: no memory. */
char *ownkey_tool_base64(struct ownkey_blob data, const char *end);

#endif
