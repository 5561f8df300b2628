/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a token's store can be used, by the user who asks. No KMS call. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "token/store.h"
#include "tool/check.h"

/* It is made with the first object: in a directory that is there. */
static enum ownkey_status
check_place(const char *path, struct ownkey_error *err)
{
    char copy[4096];
    const char *dir;

    (void)snprintf(copy, sizeof(copy), "%s", path);
    dir = dirname(copy);
    if (access(dir, W_OK | X_OK) == 0)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_IO,
                       "%s cannot be made, since this user cannot write in "
                       "%s: %s",
                       path, dir, strerror(errno));
}

void
ownkey_check_store(struct ownkey_check_subject *s, struct ownkey_token *token)
{
    struct ownkey_store *store = ownkey_token_store(token);
    const char *path = ownkey_token_conf(token)->store;
    struct ownkey_error err = { 0 };
    enum ownkey_status st;
    char detail[512];

    if (store == NULL)
        return;
    st = ownkey_store_check(store, &err);
    (void)snprintf(detail, sizeof(detail), "%.400s%s", path,
                   st == OWNKEY_NOT_FOUND ? ", made with its first object"
                                          : "");
    if (st == OWNKEY_NOT_FOUND)
        st = check_place(path, &err);
    if (st == OWNKEY_OK)
        ownkey_check_passed(s, "store", detail);
    else
        ownkey_check_failed_with(s, "store", &err, "");
}
