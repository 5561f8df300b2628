/* SPDX-License-Identifier: Apache-2.0 */
/* What a localkms key does as a remote key: sign, decrypt, derive, MAC. */
#include "kms/localkms_driver.h"

enum ownkey_status
ownkey_localkms_do_sign(struct ownkey_kms *kms,
                        const struct ownkey_sign_request *request,
                        struct ownkey_bytes *signature,
                        struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st;

    if (!ownkey_sign_request_fits(kms->type, request))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key of type %s makes no such signature",
                           ownkey_key_type_info(kms->type)->name);
    st = ownkey_localkms_begin_use(kms, "sign\n", &file, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_load_pkey(kms, &file, &pkey, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_pkey_sign(pkey, request, signature, err);
    EVP_PKEY_free(pkey);
    ownkey_localkms_file_clear(&file);
    return st;
}

enum ownkey_status
ownkey_localkms_do_decrypt(struct ownkey_kms *kms,
                           const struct ownkey_decrypt_request *request,
                           struct ownkey_secret *plain,
                           struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st;

    if (!ownkey_decrypt_request_fits(kms->type, request))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key of type %s does not decrypt so",
                           ownkey_key_type_info(kms->type)->name);
    st = ownkey_localkms_begin_use(kms, "decrypt\n", &file, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_load_pkey(kms, &file, &pkey, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_pkey_decrypt(pkey, request, plain, err);
    EVP_PKEY_free(pkey);
    ownkey_localkms_file_clear(&file);
    return st;
}

enum ownkey_status
ownkey_localkms_do_derive(struct ownkey_kms *kms, struct ownkey_blob peer,
                          struct ownkey_secret *shared,
                          struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st =
        ownkey_localkms_begin_use(kms, "derive\n", &file, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_load_pkey(kms, &file, &pkey, err);
    if (st == OWNKEY_OK)
        st = ownkey_localkms_pkey_derive(pkey, peer, shared, err);
    EVP_PKEY_free(pkey);
    ownkey_localkms_file_clear(&file);
    return st;
}

enum ownkey_status
ownkey_localkms_do_mac(struct ownkey_kms *kms, struct ownkey_blob message,
                       struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    enum ownkey_status st = ownkey_localkms_begin_use(kms, "mac\n", &file, err);

    if (st == OWNKEY_OK)
        st = ownkey_localkms_mac(&file, message, mac, err);
    ownkey_localkms_file_clear(&file);
    return st;
}
