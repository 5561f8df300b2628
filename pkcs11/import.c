/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/import.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "base/libctx.h"
#include "base/pkey.h"
#include "pkcs11/builder.h"

bool
ownkey_p11_key_part(const CK_ATTRIBUTE *a, struct ownkey_p11_key_parts *parts)
{
    struct ownkey_blob *to = NULL;

    switch (a->type) {
    case CKA_MODULUS:
        to = &parts->modulus;
        break;
    case CKA_PUBLIC_EXPONENT:
        to = &parts->public_exponent;
        break;
    case CKA_PRIVATE_EXPONENT:
        to = &parts->private_exponent;
        break;
    case CKA_PRIME_1:
        to = &parts->primes[0];
        break;
    case CKA_PRIME_2:
        to = &parts->primes[1];
        break;
    case CKA_EXPONENT_1:
        to = &parts->exponents[0];
        break;
    case CKA_EXPONENT_2:
        to = &parts->exponents[1];
        break;
    case CKA_COEFFICIENT:
        to = &parts->coefficient;
        break;
    case CKA_EC_PARAMS:
        to = &parts->params;
        break;
    case CKA_EC_POINT:
        to = &parts->point;
        break;
    case CKA_VALUE:
        to = &parts->value;
        break;
    default:
        return false;
    }
    *to = (struct ownkey_blob){a->pValue, a->pValue != NULL ? a->ulValueLen
                                                            : 0};
    return true;
}

/* ---- parameters; what is secret is wiped when it is freed ---- */

enum { NUMBERS = 8 };

struct making {
    OSSL_PARAM_BLD *bld;
    BIGNUM *numbers[NUMBERS]; /* the builder borrows them */
    size_t count;
    bool ok;
};

static struct making
begin(void)
{
    struct making m = {.bld = OSSL_PARAM_BLD_new()};

    m.ok = m.bld != NULL;
    return m;
}

/* An empty number is left out. */
static void
push_number(struct making *m, const char *name, struct ownkey_blob n,
            bool secret)
{
    BIGNUM *bn;

    if (n.len == 0 || !m->ok)
        return;
    bn = secret ? BN_secure_new() : BN_new();
    m->ok = bn != NULL && n.len <= 1024 &&
            BN_bin2bn(n.data, (int)n.len, bn) != NULL &&
            OSSL_PARAM_BLD_push_BN(m->bld, name, bn) == 1;
    m->numbers[m->count++] = bn;
}

static void
push_bytes(struct making *m, const char *name, struct ownkey_blob b)
{
    m->ok = m->ok && OSSL_PARAM_BLD_push_octet_string(m->bld, name, b.data,
                                                      b.len) == 1;
}

/* NULL: the parts make no key. */
static EVP_PKEY *
finish(struct making *m, const char *type, int selection)
{
    EVP_PKEY_CTX *ctx = ownkey_pkey_ctx(type);
    OSSL_PARAM *params = m->ok ? OSSL_PARAM_BLD_to_param(m->bld) : NULL;
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(m->bld);
    for (size_t i = 0; i < m->count; i++)
        BN_clear_free(m->numbers[i]);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static CK_RV
result(EVP_PKEY *made, bool private, EVP_PKEY **pkey)
{
    EVP_PKEY_CTX *ctx;
    bool ok;

    if (made == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), made, NULL);
    ok = ctx != NULL && (private ? EVP_PKEY_pairwise_check(ctx)
                                 : EVP_PKEY_public_check_quick(ctx)) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!ok) {
        EVP_PKEY_free(made);
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    *pkey = made;
    return CKR_OK;
}

/* ---- RSA ---- */

static CK_RV
import_rsa(const struct ownkey_p11_key_parts *p, bool private, EVP_PKEY **pkey)
{
    struct making m;

    if (p->modulus.len == 0 || p->public_exponent.len == 0 ||
        (private && p->private_exponent.len == 0))
        return CKR_TEMPLATE_INCOMPLETE;
    m = begin();
    push_number(&m, OSSL_PKEY_PARAM_RSA_N, p->modulus, false);
    push_number(&m, OSSL_PKEY_PARAM_RSA_E, p->public_exponent, false);
    if (private)
        push_number(&m, OSSL_PKEY_PARAM_RSA_D, p->private_exponent, true);
    /* All of the CRT's numbers, or none. */
    if (private && p->primes[0].len > 0 && p->primes[1].len > 0 &&
        p->exponents[0].len > 0 && p->exponents[1].len > 0 &&
        p->coefficient.len > 0) {
        push_number(&m, OSSL_PKEY_PARAM_RSA_FACTOR1, p->primes[0], true);
        push_number(&m, OSSL_PKEY_PARAM_RSA_FACTOR2, p->primes[1], true);
        push_number(&m, OSSL_PKEY_PARAM_RSA_EXPONENT1, p->exponents[0], true);
        push_number(&m, OSSL_PKEY_PARAM_RSA_EXPONENT2, p->exponents[1], true);
        push_number(&m, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, p->coefficient,
                    true);
    }
    return result(finish(&m, "RSA",
                         private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY),
                  private, pkey);
}

/* ---- EC and Ed25519 ---- */

/* The point in a DER OCTET STRING, or as it is. */
static struct ownkey_blob
bare_point(struct ownkey_blob point)
{
    const uint8_t *p = point.data;

    if (point.len > 2 && p[0] == 0x04 && p[1] == point.len - 2)
        return (struct ownkey_blob){p + 2, point.len - 2};
    if (point.len > 3 && p[0] == 0x04 && p[1] == 0x81 && p[2] == point.len - 3)
        return (struct ownkey_blob){p + 3, point.len - 3};
    return point;
}

/* What a private key's public part is: OpenSSL does not work it out. */
static bool
public_point(const char *group, struct ownkey_blob value,
             struct ownkey_bytes *point)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         (char *)(uintptr_t)group, 0),
        OSSL_PARAM_construct_end(),
    };
    EC_GROUP *g = EC_GROUP_new_from_params(params, ownkey_libctx(), NULL);
    BIGNUM *d = BN_secure_new();
    EC_POINT *q = g != NULL ? EC_POINT_new(g) : NULL;
    uint8_t buf[160];
    size_t len = 0;

    if (q != NULL && d != NULL && value.len <= 80 &&
        BN_bin2bn(value.data, (int)value.len, d) != NULL && !BN_is_zero(d) &&
        BN_cmp(d, EC_GROUP_get0_order(g)) < 0 &&
        EC_POINT_mul(g, q, d, NULL, NULL, NULL) == 1)
        len = EC_POINT_point2oct(g, q, POINT_CONVERSION_UNCOMPRESSED, buf,
                                 sizeof(buf), NULL);
    EC_POINT_free(q);
    BN_clear_free(d);
    EC_GROUP_free(g);
    return len > 0 && ownkey_bytes_copy(point, buf, len) == OWNKEY_OK;
}

static CK_RV
import_ec(const struct ownkey_p11_key_parts *p, enum ownkey_key_type type,
          bool private, EVP_PKEY **pkey)
{
    const char *group = ownkey_key_type_info(type)->group;
    struct ownkey_bytes own = {0};
    struct making m;
    CK_RV rv;

    if (private && !public_point(group, p->value, &own))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    m = begin();
    m.ok = m.ok && OSSL_PARAM_BLD_push_utf8_string(
                       m.bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1;
    push_bytes(&m, OSSL_PKEY_PARAM_PUB_KEY,
               private ? ownkey_blob_of(&own) : bare_point(p->point));
    if (private)
        push_number(&m, OSSL_PKEY_PARAM_PRIV_KEY, p->value, true);
    rv = result(finish(&m, "EC",
                       private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY),
                private, pkey);
    ownkey_bytes_clear(&own);
    return rv;
}

/* Without a builder: that would leave a copy behind. */
static EVP_PKEY *
raw_ed25519(struct ownkey_blob raw)
{
    EVP_PKEY_CTX *ctx = ownkey_pkey_ctx("ED25519");
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY,
                                          (void *)(uintptr_t)raw.data, raw.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

EVP_PKEY *
ownkey_p11_raw_private(enum ownkey_key_type type, struct ownkey_blob raw)
{
    struct making m;

    if (type == OWNKEY_KEY_ED25519)
        return raw_ed25519(raw);
    m = begin();
    m.ok = m.ok && OSSL_PARAM_BLD_push_utf8_string(
                       m.bld, OSSL_PKEY_PARAM_GROUP_NAME,
                       ownkey_key_type_info(type)->group, 0) == 1;
    push_number(&m, OSSL_PKEY_PARAM_PRIV_KEY, raw, true);
    return finish(&m, "EC", EVP_PKEY_KEYPAIR);
}

static CK_RV
import_ed25519(const struct ownkey_p11_key_parts *p, bool private,
               EVP_PKEY **pkey)
{
    struct making m;

    if (private) {
        *pkey = ownkey_p11_raw_private(OWNKEY_KEY_ED25519, p->value);
    } else {
        m = begin();
        push_bytes(&m, OSSL_PKEY_PARAM_PUB_KEY, bare_point(p->point));
        *pkey = finish(&m, "ED25519", EVP_PKEY_PUBLIC_KEY);
    }
    return *pkey != NULL ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV
import(const struct ownkey_p11_key_parts *p, bool private, EVP_PKEY **pkey)
{
    enum ownkey_key_type type;

    if (ownkey_libctx() == NULL)
        return CKR_HOST_MEMORY;
    if (p->key_type == CKK_RSA)
        return import_rsa(p, private, pkey);
    if (p->key_type != CKK_EC && p->key_type != CKK_EC_EDWARDS)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (p->params.len == 0 || (private ? p->value.len : p->point.len) == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    if (!ownkey_p11_curve(p->params, &type))
        return CKR_CURVE_NOT_SUPPORTED;
    if ((type == OWNKEY_KEY_ED25519) != (p->key_type == CKK_EC_EDWARDS))
        return CKR_TEMPLATE_INCONSISTENT;
    return type == OWNKEY_KEY_ED25519 ? import_ed25519(p, private, pkey)
                                      : import_ec(p, type, private, pkey);
}

CK_RV
ownkey_p11_import_public(const struct ownkey_p11_key_parts *parts,
                         EVP_PKEY **pkey)
{
    return import(parts, false, pkey);
}

CK_RV
ownkey_p11_import_private(const struct ownkey_p11_key_parts *parts,
                          EVP_PKEY **pkey)
{
    return import(parts, true, pkey);
}
