/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_aws_documents.c - what AWS's sources of credentials give: two bytes
 * that say what, then the text. The first letter: p(rocess) c(ontainer)
 * i(nstance) s(so) l(ogin), k (an SSO token and its renewal), r(ole) and
 * w(eb identity) replies of AWS STS, x, an error of it, e, one of the others,
 * t(ime), or a command line, $; the second is for layout, a newline.
 *
 * Besides not crashing: a key is written on success only and is whole and
 * printable, what goes to a log has no control characters, and no secret
 * memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/aws_document.h"
#include "kms/aws_sso_token.h"
#include "kms/aws_sts_message.h"
#include "kms/command_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_secret(const struct ownkey_secret *s)
{
    if (s->data == NULL)
        return;
    require(s->data[s->len] == '\0' && strlen((char *)s->data) == s->len);
    for (size_t i = 0; i < s->len; i++)
        require(s->data[i] > ' ' && s->data[i] <= '~');
}

static void
check_key(enum ownkey_status st, struct ownkey_aws_key *key)
{
    require((st == OWNKEY_OK) == ownkey_aws_key_whole(key));
    require(key->expires_s >= 0 || st == OWNKEY_OK);
    check_secret(&key->secret);
    check_secret(&key->token);
    ownkey_aws_key_clear(key);
}

static void
check_role(char kind, struct ownkey_blob text)
{
    const struct ownkey_aws_role role = {
        .arn = "a", .web_identity_token = kind == 'w' ? "t" : NULL,
    };
    struct ownkey_aws_key key = { 0 };

    check_key(ownkey_aws_sts_reply(&role, text, &key, NULL), &key);
}

static void
check_sso_token(struct ownkey_blob text)
{
    struct ownkey_aws_sso_token t = { 0 };
    struct ownkey_secret body = { 0 };

    if (ownkey_aws_sso_token_parse(text, &t, NULL) == OWNKEY_OK) {
        require(t.access_token[0] != '\0');
        if (ownkey_aws_sso_token_renewable(&t, 0))
            require(ownkey_aws_sso_token_request(&t, &body) == OWNKEY_OK);
        (void)!ownkey_aws_sso_token_renew(&t, text, 1000, NULL);
        require(t.access_token[0] != '\0');
    }
    ownkey_secret_clear(&body);
    ownkey_aws_sso_token_clear(&t);
}

static void
check_refusal(char kind, struct ownkey_blob text)
{
    char code[64], words[200];

    if (kind == 'x')
        ownkey_aws_sts_refusal(text, code, sizeof(code), words, sizeof(words));
    else
        ownkey_aws_document_refusal(text, code, sizeof(code), words,
                                    sizeof(words));
    require(strpbrk(code, "\n\r\033") == NULL);
    require(strpbrk(words, "\n\r\033") == NULL);
}

static void
check_text(char kind, struct ownkey_blob text)
{
    char *copy = malloc(text.len + 1), **argv = NULL;
    int64_t time_s;

    require(copy != NULL);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (kind == 't')
        (void)!ownkey_aws_time_parse(copy, &time_s);
    else if (ownkey_command_line_split(copy, &argv, NULL) == OWNKEY_OK)
        require(argv[0] != NULL && argv[0][0] != '\0');
    ownkey_command_line_free(argv);
    free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char documents[] = "pcisl";
    struct ownkey_secret_info info;
    struct ownkey_aws_key key = { 0 };
    struct ownkey_blob text;
    const char *kind;

    if (len < 2 || data[0] == '\0')
        return 0;
    text = (struct ownkey_blob){ data + 2, len - 2 };
    kind = strchr(documents, data[0]);
    if (kind != NULL)
        check_key(ownkey_aws_document_read(
                      (enum ownkey_aws_document)(kind - documents), text, &key,
                      NULL), &key);
    else if (data[0] == 'r' || data[0] == 'w')
        check_role((char)data[0], text);
    else if (data[0] == 'k')
        check_sso_token(text);
    else if (data[0] == 'x' || data[0] == 'e')
        check_refusal((char)data[0], text);
    else if (data[0] == 't' || data[0] == '$')
        check_text((char)data[0], text);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}
