/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/caller.h"

#include <string.h>

void
ownkey_p11_put(void *out, const void *in, size_t len)
{
    if (len > 0)
        memcpy(out, in, len);
}

void
ownkey_p11_put_ulong(void *out, CK_ULONG value)
{
    memcpy(out, &value, sizeof(value));
}

CK_ULONG
ownkey_p11_get_ulong(const void *in)
{
    CK_ULONG value;

    memcpy(&value, in, sizeof(value));
    return value;
}

CK_ATTRIBUTE
ownkey_p11_template_at(const void *template, CK_ULONG i)
{
    CK_ATTRIBUTE a;

    memcpy(&a, (const unsigned char *)template + i * sizeof(a), sizeof(a));
    return a;
}

void
ownkey_p11_template_put(void *template, CK_ULONG i,
                        const CK_ATTRIBUTE *attribute)
{
    memcpy((unsigned char *)template + i * sizeof(*attribute), attribute,
           sizeof(*attribute));
}

bool
ownkey_p11_attribute_bool(const CK_ATTRIBUTE *a, CK_BBOOL *value)
{
    if (a->pValue == NULL || a->ulValueLen != sizeof(CK_BBOOL))
        return false;
    *value = *(const CK_BBOOL *)a->pValue != CK_FALSE ? CK_TRUE : CK_FALSE;
    return true;
}

bool
ownkey_p11_attribute_ulong(const CK_ATTRIBUTE *a, CK_ULONG *value)
{
    if (a->pValue == NULL || a->ulValueLen != sizeof(CK_ULONG))
        return false;
    *value = ownkey_p11_get_ulong(a->pValue);
    return true;
}

CK_RV
ownkey_p11_mechanism_get(const void *mechanism, CK_MECHANISM *copy)
{
    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    memcpy(copy, mechanism, sizeof(*copy));
    if (copy->pParameter == NULL && copy->ulParameterLen != 0)
        return CKR_ARGUMENTS_BAD;
    return CKR_OK;
}

CK_RV
ownkey_p11_parameter_get(const CK_MECHANISM *mechanism, void *out, size_t size)
{
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != size)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(out, mechanism->pParameter, size);
    return CKR_OK;
}

CK_RV
ownkey_p11_parameter_none(const CK_MECHANISM *mechanism)
{
    return mechanism->ulParameterLen == 0 ? CKR_OK
                                          : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV
ownkey_p11_output(struct ownkey_blob data, void *out, void *out_len)
{
    CK_ULONG room = ownkey_p11_get_ulong(out_len);

    ownkey_p11_put_ulong(out_len, data.len);
    if (out == NULL)
        return CKR_OK;
    if (room < data.len)
        return CKR_BUFFER_TOO_SMALL;
    ownkey_p11_put(out, data.data, data.len);
    return CKR_OK;
}

void
ownkey_p11_pad(CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len > size) {
        len = size;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    memset(field, ' ', size);
    memcpy(field, text, len);
}
