/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the tool: exit codes, advice, JSON, files. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/hint.h"
#include "tool/tool.h"

static char folder[] = "/tmp/ownkey-tool-XXXXXX";

static void
has_an_exit_code_for_each_status(void **state)
{
    static const struct {
        enum ownkey_status status;
        enum ownkey_exit code;
    } table[] = {
        { OWNKEY_OK, OWNKEY_EXIT_DONE },
        { OWNKEY_NOMEM, OWNKEY_EXIT_FAILED },
        { OWNKEY_ARG, OWNKEY_EXIT_USAGE },
        { OWNKEY_CONFIG, OWNKEY_EXIT_CONFIG },
        { OWNKEY_NOT_FOUND, OWNKEY_EXIT_USAGE },
        { OWNKEY_UNSUPPORTED, OWNKEY_EXIT_FAILED },
        { OWNKEY_IO, OWNKEY_EXIT_FAILED },
        { OWNKEY_DENIED, OWNKEY_EXIT_DENIED },
        { OWNKEY_DISABLED, OWNKEY_EXIT_DENIED },
        { OWNKEY_PENDING_DELETION, OWNKEY_EXIT_DENIED },
        { OWNKEY_GONE, OWNKEY_EXIT_DENIED },
        { OWNKEY_UNREACHABLE, OWNKEY_EXIT_UNREACHABLE },
        { OWNKEY_THROTTLED, OWNKEY_EXIT_UNREACHABLE },
        { OWNKEY_CREDENTIALS, OWNKEY_EXIT_UNREACHABLE },
        { OWNKEY_DAMAGED, OWNKEY_EXIT_DAMAGED },
        { OWNKEY_PROTOCOL, OWNKEY_EXIT_DAMAGED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(ownkey_tool_exit(table[i].status), table[i].code);
}

static const char *
hint(const char *service, enum ownkey_try what, enum ownkey_status st)
{
    static char buf[512];
    struct ownkey_error err = { .status = st, .deletion_s = 86400 };

    return ownkey_hint(service, "localkms:///k/f", what, &err, buf,
                       sizeof(buf));
}

/* STS has its own code for it. */
static const char *
role_hint(void)
{
    static char buf[512];
    struct ownkey_error err = { .status = OWNKEY_DENIED,
                                .code = "AccessDenied" };

    return ownkey_hint("awskms", "awskms:///k", OWNKEY_TRY_WRAP, &err, buf,
                       sizeof(buf));
}

static void
names_the_permission_that_lacks(void **state)
{
    static const char *const names[] = {
        "kms:DescribeKey",  "kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt",
        "kms:GetPublicKey", "kms:Sign",    "kms:Decrypt",
        "kms:GenerateMac",  "kms:DeriveSharedSecret",
    };

    (void)state;
    for (int i = 0; i <= OWNKEY_TRY_DERIVE; i++)
        assert_non_null(strstr(
            hint("awskms", (enum ownkey_try)i, OWNKEY_DENIED), names[i]));
    /* What the owner of a role refuses, no permission on the key mends. */
    assert_non_null(strstr(role_hint(), "aws.external_id"));
    assert_null(strstr(role_hint(), "kms:"));
    /* A service without such names: whoever owns the key. */
    assert_non_null(strstr(hint("other", OWNKEY_TRY_SIGN, OWNKEY_DENIED),
                           "owner of the key"));
}

static void
advises_by_service(void **state)
{
    (void)state;
    assert_string_equal(hint("localkms", OWNKEY_TRY_WRAP, OWNKEY_DISABLED),
                        "ownkey localkms enable /k/f");
    assert_non_null(
        strstr(hint("awskms", OWNKEY_TRY_WRAP, OWNKEY_DISABLED), "enable-key"));
    assert_non_null(
        strstr(hint("awskms", OWNKEY_TRY_WRAP, OWNKEY_PENDING_DELETION),
               "1970-01-02T00:00:00Z"));
    for (int st = OWNKEY_DENIED; st <= OWNKEY_CREDENTIALS; st++)
        assert_true(hint("other", OWNKEY_TRY_WRAP, (enum ownkey_status)st)[0] !=
                    '\0');
    assert_string_equal(hint("other", OWNKEY_TRY_WRAP, OWNKEY_DAMAGED), "");
}

/* What JSON makes of text: as it is in the printed object. */
static void
check_json(const char *text, const char *printed)
{
    cJSON *o = cJSON_CreateObject();
    char want[128];
    char *got;

    ownkey_report_text(o, "t", text);
    got = cJSON_PrintUnformatted(o);
    (void)snprintf(want, sizeof(want), "{\"t\":\"%s\"}", printed);
    assert_string_equal(got, want);
    cJSON_free(got);
    cJSON_Delete(o);
}

static void
makes_json_of_any_bytes(void **state)
{
    (void)state;
    check_json("plain", "plain");
    check_json("a\"b\\c\n", "a\\\"b\\\\c\\n");
    check_json("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    check_json("\xe2\x82\xac \xf0\x9f\x94\x91",
               "\xe2\x82\xac \xf0\x9f\x94\x91");
    check_json("\xff"
               "a",
               "?a");
    check_json("\xc0\xaf", "??");           /* overlong */
    check_json("\xed\xa0\x80", "???");      /* surrogate */
    check_json("\xf4\x90\x80\x80", "????"); /* past U+10FFFF */
    check_json("cut \xe2\x82", "cut ??");
}

static void
writes_durations_as_they_are_typed(void **state)
{
    char buf[24];

    (void)state;
    assert_string_equal(ownkey_tool_duration(0, buf, sizeof(buf)), "off");
    assert_string_equal(ownkey_tool_duration(250, buf, sizeof(buf)), "250ms");
    assert_string_equal(ownkey_tool_duration(90000, buf, sizeof(buf)), "90s");
    assert_string_equal(ownkey_tool_duration(300000, buf, sizeof(buf)), "5m");
    assert_string_equal(ownkey_tool_duration(7200000, buf, sizeof(buf)), "2h");
}

static void
says_when_memory_is_not_locked(void **state)
{
    struct ownkey_secret_info info = { .size = 1 << 20, .lock_errno = 12 };
    char buf[256];

    (void)state;
    assert_non_null(strstr(ownkey_tool_memory_text(&info, buf, sizeof(buf)),
                           "NOT LOCKED (Cannot allocate memory)"));
    assert_non_null(strstr(buf, "ulimit -l 1024"));
    info.locked = true;
    assert_non_null(strstr(ownkey_tool_memory_text(&info, buf, sizeof(buf)),
                           "1024 KiB, locked"));
}

/* ---- files ---- */

static int
enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    (void)unlink("a");
    (void)unlink("b");
    return chdir("/") != 0 || rmdir(folder) != 0; /* nothing else was left */
}

static void
never_replaces_a_file_unless_told(void **state)
{
    struct ownkey_error err = { 0 };
    struct ownkey_secret got = { 0 };
    struct stat st;

    (void)state;
    (void)umask(0);
    assert_int_equal(
        ownkey_tool_write("a", ownkey_blob_text("one"), OWNKEY_TOOL_NEW, &err),
        OWNKEY_OK);
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(
        ownkey_tool_write("a", ownkey_blob_text("two"), OWNKEY_TOOL_NEW, &err),
        OWNKEY_IO);
    assert_int_equal(ownkey_tool_read("a", 3, &got, &err), OWNKEY_OK);
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.data, "one", 3);
    assert_int_equal(ownkey_tool_write("a", ownkey_blob_text("three"),
                                       OWNKEY_TOOL_REPLACE, &err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_tool_read("a", 3, &got, &err), OWNKEY_ARG);
    assert_int_equal(ownkey_tool_read("a", 5, &got, &err), OWNKEY_OK);
    assert_memory_equal(got.data, "three", 5);
    assert_int_equal(ownkey_tool_read("missing", 5, &got, &err), OWNKEY_IO);
    assert_int_equal(got.len, 5); /* untouched by failures */
    ownkey_secret_clear(&got);
    /* A dangling link is something that is there, too. */
    assert_int_equal(symlink("nowhere", "b"), 0);
    assert_int_equal(
        ownkey_tool_write("b", ownkey_blob_text("two"), OWNKEY_TOOL_NEW, &err),
        OWNKEY_IO);
    assert_int_equal(lstat("nowhere", &st), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_an_exit_code_for_each_status),
        cmocka_unit_test(names_the_permission_that_lacks),
        cmocka_unit_test(advises_by_service),
        cmocka_unit_test(makes_json_of_any_bytes),
        cmocka_unit_test(writes_durations_as_they_are_typed),
        cmocka_unit_test(says_when_memory_is_not_locked),
        cmocka_unit_test_setup_teardown(never_replaces_a_file_unless_told,
                                        enter_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
