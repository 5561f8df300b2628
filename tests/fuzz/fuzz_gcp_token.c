/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_gcp_token.c - what gives us Google's tokens: two bytes that say what,
 * then its text. The first letter: t(oken) i(mpersonated token) x, a refusal,
 * s(ubject token) j, one in JSON, e(xecutable) or a(ws key); the second is for
 * layout, a newline.
 *
 * Besides not crashing: a token can be the value of a header and lives for
 * more than no time, refusals are one line, and no secret memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/gcp_aws.h"
#include "kms/gcp_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_token(const struct ownkey_secret *s, enum ownkey_status st)
{
    require((st == OWNKEY_OK) == (s->data != NULL));
    if (st != OWNKEY_OK)
        return;
    require(s->len > 0 && s->data[s->len] == '\0');
    for (size_t i = 0; i < s->len; i++)
        require(s->data[i] > ' ' && s->data[i] <= '~');
}

static void
check_timed(char kind, struct ownkey_blob text)
{
    struct ownkey_gcp_token t = { 0 };
    enum ownkey_status st =
        kind == 't' ? ownkey_gcp_token_read(text, &t, NULL)
                    : ownkey_gcp_token_read_impersonated(text, 1767225600,
                                                         3600, &t, NULL);

    check_token(&t.text, st);
    require((st == OWNKEY_OK) == (t.life_ms > 0));
    ownkey_gcp_token_clear(&t);
}

static void
check_subject(char kind, struct ownkey_blob text)
{
    struct ownkey_secret s = { 0 };
    enum ownkey_status st;

    if (kind == 'e')
        st = ownkey_gcp_executable_read(text, 1767225600, true, &s, NULL);
    else
        st = ownkey_gcp_subject_read(text, kind == 'j' ? "id_token" : NULL, &s,
                                     NULL);
    check_token(&s, st);
    ownkey_secret_clear(&s);
}

static void
check_refusal(struct ownkey_blob text)
{
    struct ownkey_http_reply reply = { .status = 400 };
    struct ownkey_error err = { 0 };

    if (ownkey_secret_copy(&reply.body, text.data, text.len) != OWNKEY_OK)
        return;
    require(ownkey_gcp_token_error(&reply, "HOST", &err) != OWNKEY_OK);
    require(err.text[0] != '\0' && strpbrk(err.text, "\n\r\033") == NULL);
    ownkey_http_reply_clear(&reply);
}

static void
check_aws(struct ownkey_blob text)
{
    struct ownkey_gcp_aws_key key = { 0 };

    check_token(&key.secret, ownkey_gcp_aws_key_read(text, &key, NULL));
    ownkey_gcp_aws_key_clear(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_secret_info info;
    struct ownkey_blob text;

    if (len < 3)
        return 0;
    text = (struct ownkey_blob){ data + 2, len - 2 };
    if (data[0] == 't' || data[0] == 'i')
        check_timed((char)data[0], text);
    else if (data[0] == 's' || data[0] == 'j' || data[0] == 'e')
        check_subject((char)data[0], text);
    else if (data[0] == 'x')
        check_refusal(text);
    else if (data[0] == 'a')
        check_aws(text);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}
