/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pkcs11_store_help.h"

CK_BBOOL p11_yes = CK_TRUE;
CK_BBOOL p11_no = CK_FALSE;

int
kept_folder_make(void **state)
{
    FILE *f;

    if (p11_folder_make(state) != 0)
        return -1;
    f = fopen(p11_path("ownkey.conf"), "a");
    if (f == NULL)
        return -1;
    (void)fprintf(f, "[kept]\nkek = localkms://%s\nstore = %s\n",
                  p11_path("kek"), p11_path("kept.db"));
    return fclose(f);
}

int
kept_stop(void **state)
{
    int rc = p11_stop(state);

    (void)unlink(p11_path("kept.db"));
    (void)unlink(p11_path("kept.db-wal"));
    (void)unlink(p11_path("kept.db-shm"));
    return rc;
}

void
kept_restart(void)
{
    void *state = NULL;

    assert_int_equal(p11_stop(&state), 0);
    assert_int_equal(p11_start(&state), 0);
}

CK_ULONG
p11_count(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n)
{
    CK_OBJECT_HANDLE found[64];
    CK_ULONG count = 0;

    assert_ok(p11->C_FindObjectsInit(s, t, n));
    assert_ok(p11->C_FindObjects(s, found, 64, &count));
    assert_ok(p11->C_FindObjectsFinal(s));
    return count;
}

CK_BBOOL
p11_bool_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 7;
    CK_ATTRIBUTE a = {type, &value, sizeof(value)};

    assert_ok(p11->C_GetAttributeValue(s, o, &a, 1));
    return value;
}
