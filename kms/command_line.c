/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kms/command_line.h"

/* A command line on its way into words. */
struct splitting {
    const char *in;
    char *out;   /* where the word goes, in a buffer as long as the command */
    bool failed; /* a quote that does not end */
};

static void
take_single_quoted(struct splitting *s)
{
    for (s->in++; *s->in != '\0' && *s->in != '\''; s->in++)
        *s->out++ = *s->in;
    if (*s->in == '\0')
        s->failed = true;
    else
        s->in++;
}

static void
take_double_quoted(struct splitting *s)
{
    for (s->in++; *s->in != '\0' && *s->in != '"'; s->in++) {
        if (s->in[0] == '\\' && (s->in[1] == '"' || s->in[1] == '\\'))
            s->in++;
        *s->out++ = *s->in;
    }
    if (*s->in == '\0')
        s->failed = true;
    else
        s->in++;
}

static void
take_word(struct splitting *s)
{
    while (!s->failed && *s->in != '\0' && strchr(" \t\r\n", *s->in) == NULL) {
        if (*s->in == '\'') {
            take_single_quoted(s);
        } else if (*s->in == '"') {
            take_double_quoted(s);
        } else {
            if (*s->in == '\\' && *++s->in == '\0') {
                s->failed = true;
                return;
            }
            *s->out++ = *s->in++;
        }
    }
    *s->out++ = '\0';
}

enum ownkey_status
ownkey_command_line_split(const char *command, char ***argv,
                     struct ownkey_error *err)
{
    /* At most one word for two characters; the first holds all their text. */
    size_t len = strlen(command), count = 0;
    char **words = calloc(len / 2 + 2, sizeof(*words));
    char *text = malloc(len + 2);
    struct splitting s = { .in = command, .out = text };

    if (words == NULL || text == NULL) {
        free(words);
        free(text);
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    for (;;) {
        s.in += strspn(s.in, " \t\r\n");
        if (*s.in == '\0' || s.failed)
            break;
        words[count++] = s.out;
        take_word(&s);
    }
    if (s.failed || count == 0 || words[0][0] == '\0') {
        free(words);
        free(text);
        return ownkey_fail(err, OWNKEY_CONFIG,
                           s.failed ? "a quote in the command does not end"
                                    : "the command has no program");
    }
    *argv = words;
    return OWNKEY_OK;
}

void
ownkey_command_line_free(char **argv)
{
    if (argv == NULL)
        return;
    free(argv[0]);
    free(argv);
}
