/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_aws_sigv4.c - the signer: lines host, region, token, a header's name,
 * its value, and the body.
 *
 * Besides not crashing: the signature is a function of the request, white
 * space around a header's value does not change it, the body does.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/aws_sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static bool
sign(const struct ownkey_sigv4_request *r, struct ownkey_sigv4_signature *s)
{
    struct ownkey_secret secret = { 0 }, key = { 0 };
    enum ownkey_status st = OWNKEY_ARG;

    require(ownkey_secret_copy(&secret, "secret", 6) == OWNKEY_OK);
    if (ownkey_sigv4_key(&secret, "20250102", r->region, r->service, &key) ==
        OWNKEY_OK)
        st = ownkey_sigv4_sign(r, "AKIDEXAMPLE", &key, s);
    require(st == OWNKEY_OK || st == OWNKEY_ARG);
    ownkey_secret_clear(&secret);
    ownkey_secret_clear(&key);
    return st == OWNKEY_OK;
}

static void
check(struct ownkey_sigv4_request *r, const char *name, const char *value)
{
    struct ownkey_sigv4_signature first, second;
    struct ownkey_http_header header = { name, value };
    char *padded = malloc(strlen(value) + 4);

    require(padded != NULL);
    r->headers = &header;
    r->header_count = 1;
    if (sign(r, &first)) {
        require(strlen(first.authorization) < sizeof(first.authorization));
        require(strchr(first.authorization, '\0') != NULL);
        strcpy(padded, " \t");
        strcat(padded, value);
        strcat(padded, " ");
        header.value = padded;
        require(sign(r, &second));
        require(strcmp(first.authorization, second.authorization) == 0);
        r->body = ownkey_blob_text("something else altogether");
        require(sign(r, &second));
        require(memcmp(first.canonical, second.canonical,
                       sizeof(first.canonical)) != 0);
    }
    free(padded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    char *part[6], *rest = text;
    struct ownkey_secret_info info;

    require(text != NULL);
    memcpy(text, data, len);
    text[len] = '\0';
    for (int i = 0; i < 6; i++) {
        static char empty[1];

        part[i] = rest != NULL ? rest : empty;
        if (rest != NULL && i < 5)
            rest = strchr(rest, '\n');
        if (rest != NULL && i < 5)
            *rest++ = '\0';
    }
    struct ownkey_sigv4_request r = {
        .method = "POST",
        .host = part[0],
        .region = part[1],
        .service = "kms",
        .time = "20250102T030405Z",
        .session_token = part[2],
        .body = ownkey_blob_text(part[5]),
    };
    check(&r, part[3], part[4]);
    free(text);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}
