/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sig.h - a signature operation: what sig.c (hash, sign, verify) and
 * sigparams.c (what a caller may set and ask) and sigalg.c share.
 */
#ifndef OWNKEY_PROVIDER_SIG_H
#define OWNKEY_PROVIDER_SIG_H

#include "provider/internal.h"

struct ownkey_prov_sig {
    struct ownkey_prov *prov;
    struct ownkey_prov_key *key;
    bool signing;          /* or verifying */
    bool hashing;          /* digest_sign, digest_verify: the hash is fixed */
    enum ownkey_hash hash; /* NONE: not said */
    enum ownkey_hash mgf1_hash; /* NONE: the same as hash */
    int pad_mode;          /* RSA_PKCS1_PADDING or RSA_PKCS1_PSS_PADDING */
    int salt_len;          /* bytes, or RSA_PSS_SALTLEN_* */
    EVP_MD_CTX *md;        /* while hashing */
};

bool ownkey_prov_sig_is_rsa(const struct ownkey_prov_sig *sig);
enum ownkey_padding
ownkey_prov_sig_padding(const struct ownkey_prov_sig *sig);
/* In bytes; 0 without PSS. */
int ownkey_prov_sig_salt(const struct ownkey_prov_sig *sig);

/*
 * Sets the hash. False, with an error raised: unknown, or when signing one
 * that the key cannot sign with, so that TLS takes another.
 */
bool ownkey_prov_sig_set_hash(struct ownkey_prov_sig *sig, const char *name);

/* The padding a new operation starts with. */
void ownkey_prov_sig_reset(struct ownkey_prov_sig *sig);

/* The same settings for a verification by the default provider. */
bool ownkey_prov_sig_copy_settings(const struct ownkey_prov_sig *sig,
                                   EVP_PKEY_CTX *to);

/* DER AlgorithmIdentifier of the signature. The caller frees it. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_prov_sig_algorithm(const struct ownkey_prov_sig *sig,
                          struct ownkey_bytes *der);

OSSL_FUNC_signature_get_ctx_params_fn ownkey_prov_sig_get_params;
OSSL_FUNC_signature_gettable_ctx_params_fn ownkey_prov_sig_gettable;
OSSL_FUNC_signature_set_ctx_params_fn ownkey_prov_sig_set_params;
OSSL_FUNC_signature_settable_ctx_params_fn ownkey_prov_sig_settable;

#endif
