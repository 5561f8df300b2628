/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a private key that is elsewhere looks like when it is written: as text
 * its public part and where it is, as PEM or DER the key file that names it
 * (doc/key-file.md). Public keys are the default provider's to write.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>

#include "token/keyfile.h"

static OSSL_FUNC_encoder_newctx_fn newctx;
static OSSL_FUNC_encoder_freectx_fn freectx;
static OSSL_FUNC_encoder_does_selection_fn does_selection;
static OSSL_FUNC_encoder_encode_fn encode_pem;
static OSSL_FUNC_encoder_encode_fn encode_der;
static OSSL_FUNC_encoder_encode_fn encode_text;

static void *
newctx(void *vprov)
{
    return vprov;
}

static void
freectx(void *vprov)
{
    (void)vprov;
}

static int
does_selection(void *vprov, int selection)
{
    (void)vprov;
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

static int
write_all(const struct ownkey_prov *prov, OSSL_CORE_BIO *out, const void *data,
          size_t len)
{
    size_t written = 0;

    return len == 0 || (prov->bio_write != NULL &&
                        prov->bio_write(out, data, len, &written) &&
                        written == len);
}

typedef enum ownkey_status form_fn(const char *uri, struct ownkey_bytes *out,
                                   struct ownkey_error *err);

/* abstract: a key that is not ours, in parameters; there is none. */
static int
encode_file(const struct ownkey_prov *prov, OSSL_CORE_BIO *out,
            const struct ownkey_prov_key *key, const OSSL_PARAM abstract[],
            int selection, form_fn *form)
{
    struct ownkey_bytes file = {0};
    struct ownkey_error err = {0};
    int ok;

    if (key == NULL || abstract != NULL || key->token == NULL ||
        (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0)
        return 0;
    if (form(key->uri, &file, &err) != OWNKEY_OK)
        return ownkey_prov_raise(prov, &err);
    ok = write_all(prov, out, file.data, file.len);
    ownkey_bytes_clear(&file);
    return ok;
}

static int
encode_pem(void *vprov, OSSL_CORE_BIO *out, const void *key,
           const OSSL_PARAM abstract[], int selection,
           OSSL_PASSPHRASE_CALLBACK *callback, void *arg)
{
    (void)callback;
    (void)arg;
    return encode_file(vprov, out, key, abstract, selection,
                       ownkey_keyfile_write);
}

static int
encode_der(void *vprov, OSSL_CORE_BIO *out, const void *key,
           const OSSL_PARAM abstract[], int selection,
           OSSL_PASSPHRASE_CALLBACK *callback, void *arg)
{
    (void)callback;
    (void)arg;
    return encode_file(vprov, out, key, abstract, selection,
                       ownkey_keyfile_encode);
}

/* ---- text ---- */

static bool
print(BIO *to, const struct ownkey_prov_key *key)
{
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(key->key_type);

    if (key->pub == NULL)
        return BIO_printf(to, "%s key%s: (%u bit)\n", info->name,
                          key->type == OWNKEY_PROV_KEK ? " encryption key" : "",
                          info->bits) > 0 &&
               BIO_printf(to, "secret key: in the customer's KMS, %s\n",
                          key->uri) > 0;
    return EVP_PKEY_print_public(to, key->pub, 0, NULL) == 1 &&
           BIO_printf(to, "private key: in the customer's KMS, %s\n",
                      key->uri) > 0;
}

static int
encode_text(void *vprov, OSSL_CORE_BIO *out, const void *vkey,
            const OSSL_PARAM abstract[], int selection,
            OSSL_PASSPHRASE_CALLBACK *callback, void *arg)
{
    const struct ownkey_prov_key *key = vkey;
    char *text = NULL;
    BIO *to;
    long len;
    int ok;

    (void)callback;
    (void)arg;
    if (key == NULL || abstract != NULL || key->token == NULL ||
        (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0)
        return 0;
    to = BIO_new(BIO_s_mem());
    if (to == NULL)
        return 0;
    ok = print(to, key);
    len = BIO_get_mem_data(to, &text);
    ok = ok && len > 0 && write_all(vprov, out, text, (size_t)len);
    BIO_free(to);
    return ok;
}

/* ---- the tables ---- */

#define ENCODER(table, encode)                                              \
    static const OSSL_DISPATCH table[] = {                                  \
        OWNKEY_PROV_FN(OSSL_FUNC_ENCODER_NEWCTX, newctx),                   \
        OWNKEY_PROV_FN(OSSL_FUNC_ENCODER_FREECTX, freectx),                 \
        OWNKEY_PROV_FN(OSSL_FUNC_ENCODER_DOES_SELECTION, does_selection),   \
        OWNKEY_PROV_FN(OSSL_FUNC_ENCODER_ENCODE, encode),                   \
        {0, NULL},                                                          \
    }

ENCODER(pem, encode_pem);
ENCODER(der, encode_der);
ENCODER(text, encode_text);

/* Programs that write a private key ask for PrivateKeyInfo. */
#define ENCODERS(names)                                                     \
    {names, OWNKEY_PROV_PROPERTY ",output=pem,structure=PrivateKeyInfo",    \
     pem, NULL},                                                            \
        {names, OWNKEY_PROV_PROPERTY ",output=der,structure=PrivateKeyInfo", \
         der, NULL},                                                        \
        {names, OWNKEY_PROV_PROPERTY ",output=text", text, NULL}

const OSSL_ALGORITHM ownkey_prov_encoders[] = {
    ENCODERS("RSA:rsaEncryption:1.2.840.113549.1.1.1"),
    ENCODERS("RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10"),
    ENCODERS("EC:id-ecPublicKey:1.2.840.10045.2.1"),
    ENCODERS("ED25519:1.3.101.112"),
    ENCODERS("OWNKEY-KEK"),
    ENCODERS("OWNKEY-MAC"),
    {NULL, NULL, NULL, NULL},
};
