/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files that name a key (doc/key-file.md), in two stages as OpenSSL wants
 * them: PEM to DER by the label, DER to a key by its type.
 *
 * OpenSSL shows every decoder every key and certificate that the process
 * reads. What is not ours is passed over by returning 1 with nothing given:
 * 0 would end the search and break other people's keys.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>

#include "token/keyfile.h"

enum {
    LINE_MAX_LEN = 256, /* PEM lines are shorter; longer ones come in parts */
    LINES_MAX = 100000, /* before and in a PEM block */
};

static OSSL_FUNC_decoder_newctx_fn newctx;
static OSSL_FUNC_decoder_freectx_fn freectx;
static OSSL_FUNC_decoder_settable_ctx_params_fn settable;
static OSSL_FUNC_decoder_set_ctx_params_fn set_params;
static OSSL_FUNC_decoder_does_selection_fn does_selection;
static OSSL_FUNC_decoder_export_object_fn export_object;
static OSSL_FUNC_decoder_decode_fn decode_pem;

/* A context has nothing but its provider. */
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

static const OSSL_PARAM *
settable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_DECODER_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static int
set_params(void *vprov, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p =
        OSSL_PARAM_locate_const(params, OSSL_DECODER_PARAM_PROPERTIES);
    const char *propq = NULL;

    if (p != NULL && OSSL_PARAM_get_utf8_string_ptr(p, &propq))
        ownkey_prov_order_seen(vprov, propq);
    return 1;
}

static int
does_selection(void *vprov, int selection)
{
    (void)vprov;
    return selection == 0 ||
           (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

/*
 * Nothing is handed out. It has to be there: OpenSSL calls it without a look
 * when it found another provider's key manager for our key.
 */
static int
export_object(void *vprov, const void *reference, size_t reference_len,
              OSSL_CALLBACK *callback, void *arg)
{
    (void)vprov;
    (void)reference;
    (void)reference_len;
    (void)callback;
    (void)arg;
    return 0;
}

/* ---- PEM ---- */

/* A text that grows up to what a key file can be. */
struct text {
    char bytes[2 * OWNKEY_KEYFILE_DER_MAX];
    size_t len;
    bool overflow;
};

static void
append(struct text *t, const char *line)
{
    size_t len = strlen(line);

    if (t->overflow || len >= sizeof(t->bytes) - t->len) {
        t->overflow = true;
        return;
    }
    memcpy(t->bytes + t->len, line, len);
    t->len += len;
}

static bool
starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/*
 * Reads one PEM block, whosever it is, as every PEM decoder does, so that
 * the next try of the caller begins behind it. True: it is ours, whole, and
 * in *t.
 */
static bool
read_block(const struct ownkey_prov *prov, OSSL_CORE_BIO *in, struct text *t)
{
    static const char begin[] = "-----BEGIN ";
    static const char ours_begin[] = "-----BEGIN " OWNKEY_KEYFILE_LABEL "-----";
    char line[LINE_MAX_LEN];
    bool inside = false;
    bool ours = false;

    for (int n = 0; n < LINES_MAX; n++) {
        if (prov->bio_gets(in, line, sizeof(line)) <= 0)
            return false;
        if (!inside && starts(line, begin)) {
            inside = true;
            ours = starts(line, ours_begin);
        }
        if (ours)
            append(t, line);
        if (inside && starts(line, "-----END "))
            return ours && !t->overflow;
    }
    return false;
}

static int
give_der(struct ownkey_blob der, OSSL_CALLBACK *callback, void *arg)
{
    union {
        const void *from;
        void *to;
    } bytes = {.from = der.data};
    char structure[] = OWNKEY_PROV_STRUCTURE;
    int type = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
                                         structure, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, bytes.to,
                                          der.len),
        OSSL_PARAM_construct_end(),
    };

    return callback(params, arg);
}

static int
decode_pem(void *vprov, OSSL_CORE_BIO *in, int selection,
           OSSL_CALLBACK *callback, void *arg,
           OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    struct ownkey_prov *prov = vprov;
    struct text text = {.len = 0};
    struct ownkey_bytes der = {0};
    struct ownkey_error err = {0};
    char *uri = NULL;
    int ok;

    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    if (prov->bio_gets == NULL || !read_block(prov, in, &text))
        return 1;
    if (ownkey_keyfile_read(
            (struct ownkey_blob){(const uint8_t *)text.bytes, text.len}, &uri,
            &err) != OWNKEY_OK ||
        ownkey_keyfile_encode(uri, &der, &err) != OWNKEY_OK)
        ok = ownkey_prov_raise(prov, &err);
    else
        ok = give_der(ownkey_blob_of(&der), callback, arg);
    ownkey_bytes_clear(&der);
    free(uri);
    return ok;
}

/* ---- DER ---- */

/* At most cap bytes; what is there. */
static size_t
read_some(const struct ownkey_prov *prov, OSSL_CORE_BIO *in, uint8_t *to,
          size_t cap)
{
    size_t len = 0;
    size_t got = 0;

    while (len < cap && prov->bio_read(in, to + len, cap - len, &got) &&
           got > 0)
        len += got;
    return len;
}

static int
give_key(struct ownkey_prov_key *key, OSSL_CALLBACK *callback, void *arg)
{
    int type = OSSL_OBJECT_PKEY;
    char name[64];
    OSSL_PARAM params[4];
    int ok;

    (void)snprintf(name, sizeof(name), "%s",
                   ownkey_prov_order_begin(key->prov, key->type, true));
    params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
                                                 name, 0);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE,
                                                  &key, sizeof(key));
    params[3] = OSSL_PARAM_construct_end();
    ok = callback(params, arg);
    ownkey_prov_order_end(key->prov);
    return ok;
}

static int
decode_key(struct ownkey_prov *prov, enum ownkey_prov_type type,
           struct ownkey_blob der, OSSL_CALLBACK *callback, void *arg)
{
    struct ownkey_prov_key *key = NULL;
    struct ownkey_error err = {0};
    char *uri = NULL;
    int ok;

    if (ownkey_keyfile_decode(der, &uri, &err) != OWNKEY_OK)
        return ownkey_prov_raise(prov, &err);
    if (ownkey_prov_key_new(prov, uri, &key, &err) != OWNKEY_OK)
        ok = ownkey_prov_raise(prov, &err);
    else if (key->type != type)
        ok = 1; /* for the decoder of its own type */
    else
        ok = give_key(key, callback, arg);
    ownkey_prov_key_free(key);
    free(uri);
    return ok;
}

static int
decode_der(struct ownkey_prov *prov, enum ownkey_prov_type type,
           OSSL_CORE_BIO *in, OSSL_CALLBACK *callback, void *arg)
{
    uint8_t buf[OWNKEY_KEYFILE_DER_MAX + 1];
    size_t len;

    if (prov->bio_read == NULL)
        return 1;
    /* Enough to tell; other people's keys may be long. */
    len = read_some(prov, in, buf, OWNKEY_KEYFILE_MAGIC_MAX);
    if (!ownkey_keyfile_is_der((struct ownkey_blob){buf, len}))
        return 1;
    len += read_some(prov, in, buf + len, sizeof(buf) - len);
    return decode_key(prov, type, (struct ownkey_blob){buf, len}, callback,
                      arg);
}

/* One function for each type: OpenSSL does not say which it calls. */
static OSSL_FUNC_decoder_decode_fn decode_rsa;
static OSSL_FUNC_decoder_decode_fn decode_rsa_pss;
static OSSL_FUNC_decoder_decode_fn decode_ec;
static OSSL_FUNC_decoder_decode_fn decode_ed25519;
static OSSL_FUNC_decoder_decode_fn decode_kek;
static OSSL_FUNC_decoder_decode_fn decode_mac;

static int
decode_rsa(void *vprov, OSSL_CORE_BIO *in, int selection,
           OSSL_CALLBACK *callback, void *arg,
           OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    return decode_der(vprov, OWNKEY_PROV_RSA, in, callback, arg);
}

static int
decode_rsa_pss(void *vprov, OSSL_CORE_BIO *in, int selection,
               OSSL_CALLBACK *callback, void *arg,
               OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    return decode_der(vprov, OWNKEY_PROV_RSA_PSS, in, callback, arg);
}

static int
decode_ec(void *vprov, OSSL_CORE_BIO *in, int selection,
          OSSL_CALLBACK *callback, void *arg,
          OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    return decode_der(vprov, OWNKEY_PROV_EC, in, callback, arg);
}

static int
decode_ed25519(void *vprov, OSSL_CORE_BIO *in, int selection,
               OSSL_CALLBACK *callback, void *arg,
               OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    return decode_der(vprov, OWNKEY_PROV_ED25519, in, callback, arg);
}

static int
decode_kek(void *vprov, OSSL_CORE_BIO *in, int selection,
           OSSL_CALLBACK *callback, void *arg,
           OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    return decode_der(vprov, OWNKEY_PROV_KEK, in, callback, arg);
}

static int
decode_mac(void *vprov, OSSL_CORE_BIO *in, int selection,
           OSSL_CALLBACK *callback, void *arg,
           OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    (void)selection;
    (void)pw_callback;
    (void)pw_arg;
    return decode_der(vprov, OWNKEY_PROV_MAC, in, callback, arg);
}

/* ---- the tables ---- */

#define DECODER(table, decode)                                              \
    static const OSSL_DISPATCH table[] = {                                  \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_NEWCTX, newctx),                   \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_FREECTX, freectx),                 \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_SETTABLE_CTX_PARAMS, settable),    \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_SET_CTX_PARAMS, set_params),       \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_DOES_SELECTION, does_selection),   \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_EXPORT_OBJECT, export_object),     \
        OWNKEY_PROV_FN(OSSL_FUNC_DECODER_DECODE, decode),                   \
        {0, NULL},                                                          \
    }

DECODER(pem, decode_pem);
DECODER(rsa, decode_rsa);
DECODER(rsa_pss, decode_rsa_pss);
DECODER(ec, decode_ec);
DECODER(ed25519, decode_ed25519);
DECODER(kek, decode_kek);
DECODER(mac, decode_mac);

#define FROM_DER \
    OWNKEY_PROV_PROPERTY ",input=der,structure=" OWNKEY_PROV_STRUCTURE

const OSSL_ALGORITHM ownkey_prov_decoders[] = {
    {"DER", OWNKEY_PROV_PROPERTY ",input=pem", pem, OWNKEY_KEYFILE_LABEL},
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", FROM_DER, rsa, NULL},
    {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", FROM_DER, rsa_pss, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", FROM_DER, ec, NULL},
    {"ED25519:1.3.101.112", FROM_DER, ed25519, NULL},
    {"OWNKEY-KEK", FROM_DER, kek, NULL},
    {"OWNKEY-MAC", FROM_DER, mac, NULL},
    {NULL, NULL, NULL, NULL},
};
