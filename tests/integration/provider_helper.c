/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the provider's scripts need beside the openssl command:
 *
 *     provider_helper create PATH TYPE PUBLIC   a localkms key and its SPKI
 *     provider_helper wrap CONF URI CONTEXT     data key on stdin, wrapped out
 *     provider_helper unwrap CONF URI CONTEXT   the reverse
 *
 * through kms/ and token/, without OpenSSL's providers between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/localkms_admin.h"
#include "token/datakey.h"
#include "token/token.h"

static int
complain(const struct ownkey_error *err)
{
    char line[1024];

    fprintf(stderr, "%s\n", ownkey_error_line(err, line, sizeof(line)));
    return 1;
}

static enum ownkey_status
public_key(const char *path, enum ownkey_key_type type,
           struct ownkey_bytes *spki, struct ownkey_error *err)
{
    struct ownkey_options options = {0};
    struct ownkey_kms *kms = NULL;
    struct ownkey_kms_config config = {
        .type = type, .options = &options, .clock = &ownkey_clock_system};
    char *uri = NULL;
    enum ownkey_status st = ownkey_localkms_uri(path, &uri, err);

    config.uri = uri;
    if (st == OWNKEY_OK)
        st = ownkey_kms_open(&config, &kms, err);
    if (st == OWNKEY_OK)
        st = ownkey_kms_public_key(kms, spki, err);
    ownkey_kms_free(kms);
    free(uri);
    return st;
}

static int
create(const char *path, const char *type_name, const char *public_path)
{
    struct ownkey_error err = {0};
    struct ownkey_bytes spki = {0};
    enum ownkey_key_type type;
    FILE *f;
    int ok = 1;

    if (ownkey_key_type_by_name(type_name, &type) != OWNKEY_OK)
        return 2;
    if (ownkey_localkms_create(path, type, &err) != OWNKEY_OK)
        return complain(&err);
    if (type == OWNKEY_KEY_AES_256)
        return 0;
    if (public_key(path, type, &spki, &err) != OWNKEY_OK)
        return complain(&err);
    f = fopen(public_path, "wb");
    if (f != NULL) {
        ok = fwrite(spki.data, 1, spki.len, f) == spki.len;
        ok = fclose(f) == 0 && ok;
    }
    ownkey_bytes_clear(&spki);
    return f != NULL && ok ? 0 : 1;
}

static int
give(struct ownkey_blob out)
{
    return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}

static int
transform(bool wrap, struct ownkey_token *token,
          const struct ownkey_context *context, struct ownkey_blob in)
{
    struct ownkey_error err = {0};
    struct ownkey_secret key = {0};
    struct ownkey_data_key *dk = NULL;
    struct ownkey_lease lease;
    enum ownkey_status st;
    int rc;

    if (wrap) {
        st = ownkey_secret_copy(&key, in.data, in.len);
        if (st == OWNKEY_OK)
            st = ownkey_data_key_wrap(token, OWNKEY_PURPOSE_DATA_KEY, context,
                                      &key, &dk, &err);
    } else {
        st = ownkey_data_key_open(token, OWNKEY_PURPOSE_DATA_KEY, context, in,
                                  &dk, &err);
        if (st == OWNKEY_OK)
            st = ownkey_data_key_use(dk, &key, &lease, &err);
    }
    if (st != OWNKEY_OK)
        rc = complain(&err);
    else
        rc = give(wrap ? ownkey_data_key_wrapped(dk) : ownkey_blob_secret(&key));
    ownkey_data_key_free(dk);
    ownkey_secret_clear(&key);
    return rc;
}

static int
with_token(bool wrap, const char *conf, const char *uri, const char *text)
{
    static uint8_t in[16384];
    struct ownkey_error err = {0};
    struct ownkey_tokens_options options = {.config = conf};
    struct ownkey_tokens *tokens = NULL;
    struct ownkey_token *token;
    struct ownkey_key *key;
    struct ownkey_context context = {0};
    size_t len = fread(in, 1, sizeof(in), stdin);
    int rc;

    if (ownkey_context_add_text(&context, ownkey_blob_text(text), &err) !=
            OWNKEY_OK ||
        ownkey_tokens_open(&options, &tokens, &err) != OWNKEY_OK ||
        ownkey_tokens_resolve(tokens, uri, &token, &key, &err) != OWNKEY_OK)
        rc = complain(&err);
    else
        rc = transform(wrap, token, &context, (struct ownkey_blob){in, len});
    ownkey_tokens_close(tokens);
    ownkey_context_clear(&context);
    return rc;
}

int
main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "create") == 0)
        return create(argv[2], argv[3], argv[4]);
    if (argc == 5 && strcmp(argv[1], "wrap") == 0)
        return with_token(true, argv[2], argv[3], argv[4]);
    if (argc == 5 && strcmp(argv[1], "unwrap") == 0)
        return with_token(false, argv[2], argv[3], argv[4]);
    return 2;
}
