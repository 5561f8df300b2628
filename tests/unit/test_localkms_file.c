/* SPDX-License-Identifier: Apache-2.0 */
/* The key file: its text, its place on disk, and who changes it. */
#define _GNU_SOURCE /* memmem, setresuid */
#include "tests/unit/localkms_help.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>

#include <cjson/cJSON.h>

#include "base/encode.h"

#define UUID "\"uuid\": \"0f8fad5b-d9cb-469f-a165-70867728950e\""
#define KEY1 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY2 "/////////////////////////////////////////w8="
#define V1 "{\"version\": 1, \"created\": 1, \"key\": \"" KEY1 "\"}"
#define V2 "{\"version\": 2, \"created\": 2, \"key\": \"" KEY2 "\"}"
#define HEAD "{\"localkms\": 1, " UUID ", "
#define AES "\"type\": \"aes-256\", "
#define ON "\"state\": \"enabled\", "
#define GOOD HEAD AES ON "\"current\": 2, \"versions\": [" V1 ", " V2 "]}"

static enum ownkey_status
parse(const char *text, size_t len, struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    struct ownkey_blob blob = { (const uint8_t *)text, len };
    enum ownkey_status st = ownkey_localkms_parse(blob, &file, err);

    ownkey_localkms_file_clear(&file);
    return st;
}

/* ---- the text ----------------------------------------------------------- */

static void
refuses_damaged_text(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "null",
        "[]",
        "{}",
        "\"\"",
        "{\"localkms\": 1}",
        GOOD "x",
        GOOD GOOD,
        /* a member missing, unknown, twice */
        HEAD AES "\"current\": 1, \"versions\": [" V1 "]}",
        HEAD AES ON "\"current\": 1, \"versions\": [" V1 "], \"x\": 1}",
        HEAD UUID ", " AES ON "\"current\": 1, \"versions\": [" V1 "]}",
        HEAD AES ON "\"current\": 1, \"current\": 1, \"versions\": [" V1 "]}",
        /* format */
        "{\"localkms\": 2, " UUID ", " AES ON
        "\"current\": 1, \"versions\": [" V1 "]}",
        "{\"localkms\": \"1\", " UUID ", " AES ON
        "\"current\": 1, \"versions\": [" V1 "]}",
        /* uuid, type, state */
        "{\"localkms\": 1, \"uuid\": \"0F8FAD5B-D9CB-469F-A165-70867728950E\", "
        AES ON "\"current\": 1, \"versions\": [" V1 "]}",
        "{\"localkms\": 1, \"uuid\": \"../../../../../../../../../etc/passwd\", "
        AES ON "\"current\": 1, \"versions\": [" V1 "]}",
        "{\"localkms\": 1, \"uuid\": 7, " AES ON
        "\"current\": 1, \"versions\": [" V1 "]}",
        HEAD "\"type\": \"aes-128\", " ON "\"current\": 1, \"versions\": [" V1
             "]}",
        HEAD AES "\"state\": \"ENABLED\", \"current\": 1, \"versions\": [" V1
                 "]}",
        HEAD AES "\"state\": true, \"current\": 1, \"versions\": [" V1 "]}",
        /* versions */
        HEAD AES ON "\"current\": 3, \"versions\": [" V1 ", " V2 "]}",
        HEAD AES ON "\"current\": 1.5, \"versions\": [" V1 "]}",
        HEAD AES ON "\"current\": -1, \"versions\": [" V1 "]}",
        HEAD AES ON "\"current\": 1e99, \"versions\": [" V1 "]}",
        HEAD AES ON "\"current\": 1, \"versions\": []}",
        HEAD AES ON "\"current\": 1, \"versions\": {}}",
        HEAD AES ON "\"current\": 1, \"versions\": [" V1 ", " V1 "]}",
        HEAD AES ON "\"current\": 1, \"versions\": [" V2 ", " V1 "]}",
        HEAD AES ON "\"current\": 1, \"versions\": [1]}",
        HEAD AES ON "\"current\": 0, \"versions\": [{\"version\": 0, "
                    "\"created\": 1, \"key\": \"" KEY1 "\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": -1, \"key\": \"" KEY1 "\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1}]}",
        /* keys: not a string, short, long, not base64, forged reference */
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": 1}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": \"AAAA\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": \"AAAA" KEY1 "\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": \"A" KEY1 "\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": \"-" KEY1 "===\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": \"#99999\"}]}",
        HEAD AES ON "\"current\": 1, \"versions\": [{\"version\": 1, "
                    "\"created\": 1, \"key\": #5}]}",
        /* an asymmetric key of several versions */
        HEAD "\"type\": \"ed25519\", " ON "\"current\": 1, \"versions\": [" V1
             ", " V2 "]}",
        /* characters: an escape, UTF-8, a comment, a control character */
        HEAD "\"type\": \"\\u0061es-256\", " ON
             "\"current\": 1, \"versions\": [" V1 "]}",
        HEAD "\"type\": \"\xc3\xa4\", " ON "\"current\": 1, \"versions\": [" V1
             "]}",
        "/* */" GOOD,
        "\x01" GOOD,
    };

    (void)state;
    assert_int_equal(parse(GOOD, strlen(GOOD), NULL), OWNKEY_OK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ownkey_error err = { 0 };

        if (parse(texts[i], strlen(texts[i]), &err) != OWNKEY_PROTOCOL)
            fail_msg("taken: %s", texts[i]);
        assert_non_null(strstr(err.text, "not a localkms key file"));
    }
}

static void
refuses_every_truncation(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(GOOD); len++)
        assert_int_equal(parse(GOOD, len, NULL), OWNKEY_PROTOCOL);
    /* A NUL is not an end. */
    assert_int_equal(parse(GOOD, sizeof(GOOD), NULL), OWNKEY_PROTOCOL);
}

static void
survives_every_flipped_bit(void **state)
{
    char text[sizeof(GOOD)];

    (void)state;
    for (size_t bit = 0; bit < 8 * strlen(GOOD); bit++) {
        enum ownkey_status st;

        memcpy(text, GOOD, sizeof(GOOD));
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        st = parse(text, strlen(GOOD), NULL);
        assert_true(st == OWNKEY_OK || st == OWNKEY_PROTOCOL);
    }
}

static void
refuses_noise_and_depth(void **state)
{
    size_t len = 1 << 20;
    char *text = malloc(len);

    (void)state;
    assert_non_null(text);
    memset(text, '[', len);
    assert_int_equal(parse(text, len, NULL), OWNKEY_PROTOCOL);
    assert_int_equal(parse(text, OWNKEY_LOCALKMS_TEXT_MAX, NULL),
                     OWNKEY_PROTOCOL);
    memset(text, '"', OWNKEY_LOCALKMS_TEXT_MAX);
    assert_int_equal(parse(text, OWNKEY_LOCALKMS_TEXT_MAX, NULL),
                     OWNKEY_PROTOCOL);
    memset(text, 'A', OWNKEY_LOCALKMS_TEXT_MAX);
    text[0] = '"';
    assert_int_equal(parse(text, OWNKEY_LOCALKMS_TEXT_MAX, NULL),
                     OWNKEY_PROTOCOL);
    free(text);
}

static void
prints_what_it_parses(void **state)
{
    struct ownkey_localkms_file file = { 0 };
    struct ownkey_localkms_file again = { 0 };
    struct ownkey_secret text = { 0 };
    struct ownkey_secret second = { 0 };
    uint8_t key[32];

    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
    assert_int_equal(ownkey_localkms_parse(ownkey_blob_text(GOOD), &file, NULL),
                     OWNKEY_OK);
    assert_int_equal(file.type, OWNKEY_KEY_AES_256);
    assert_true(file.enabled);
    assert_int_equal(file.current, 2);
    assert_int_equal(file.count, 2);
    assert_int_equal(file.versions[1].created_s, 2);
    assert_int_equal(file.versions[0].key.len, 32);
    assert_memory_equal(file.versions[0].key.data, key, 32);
    assert_ptr_equal(ownkey_localkms_file_current(&file), &file.versions[1]);
    assert_null(ownkey_localkms_file_version(&file, 3));

    assert_int_equal(ownkey_localkms_print(&file, &text, NULL), OWNKEY_OK);
    assert_int_equal(
        ownkey_localkms_parse(ownkey_blob_secret(&text), &again, NULL),
        OWNKEY_OK);
    assert_int_equal(ownkey_localkms_print(&again, &second, NULL), OWNKEY_OK);
    assert_true(ownkey_blob_equal(ownkey_blob_secret(&text),
                                  ownkey_blob_secret(&second)));
    ownkey_secret_clear(&text);
    ownkey_secret_clear(&second);
    ownkey_localkms_file_clear(&file);
    ownkey_localkms_file_clear(&again);
}

/* ---- what cJSON keeps in the heap --------------------------------------- */

static unsigned freed_blocks;
static bool key_seen;

static void
inspecting_free(void *p)
{
    if (p != NULL) {
        size_t size = malloc_usable_size(p);

        freed_blocks++;
        if (memmem(p, size, KEY1, 12) != NULL ||
            memmem(p, size, KEY2, 12) != NULL)
            key_seen = true;
    }
    free(p);
}

static void
cjson_never_holds_a_key(void **state)
{
    cJSON_Hooks hooks = { .malloc_fn = malloc, .free_fn = inspecting_free };

    (void)state;
    key_seen = false;
    freed_blocks = 0;
    cJSON_InitHooks(&hooks);
    assert_int_equal(parse(GOOD, strlen(GOOD), NULL), OWNKEY_OK);
    assert_int_equal(parse(GOOD "]", strlen(GOOD) + 1, NULL), OWNKEY_PROTOCOL);
    assert_int_equal(parse(GOOD, strlen(GOOD) - 1, NULL), OWNKEY_PROTOCOL);
    cJSON_InitHooks(NULL);
    assert_true(freed_blocks > 20);
    assert_false(key_seen);
}

/* ---- on disk ------------------------------------------------------------ */

static enum ownkey_status
load(const char *path, struct ownkey_error *err)
{
    struct ownkey_localkms_file file = { 0 };
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    st = ownkey_localkms_load(path, &file, err);
    ownkey_localkms_file_clear(&file);
    if (st != OWNKEY_OK) /* every complaint names the file */
        assert_memory_equal(err->text, path, strlen(path));
    return st;
}

static void
missing_file_is_gone(void **state)
{
    struct place *p = *state;
    struct ownkey_error err;
    char below[128];

    assert_int_equal(load(p->path, &err), OWNKEY_GONE);
    create(p, OWNKEY_KEY_AES_256);
    (void)snprintf(below, sizeof(below), "%s/key", p->path);
    assert_int_equal(load(below, &err), OWNKEY_GONE);
}

static void
refuses_a_file_others_can_get_at(void **state)
{
    static const mode_t modes[] = { 0640, 0604, 0660, 0606, 0644,
                                    0666, 0610, 0700, 04600 };
    struct place *p = *state;
    struct ownkey_error err;

    create(p, OWNKEY_KEY_AES_256);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(p->path, modes[i]), 0);
        assert_int_equal(load(p->path, &err), OWNKEY_CONFIG);
        assert_non_null(strstr(err.text, "chmod 600"));
        assert_int_equal(ownkey_localkms_disable(p->path, &err),
                         OWNKEY_CONFIG);
    }
    assert_int_equal(chmod(p->path, 0400), 0);
    assert_int_equal(load(p->path, &err), OWNKEY_OK);
}

static int
load_as_nobody(void *arg)
{
    struct ownkey_error err;

    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return 255;
    return (int)load(arg, &err);
}

static void
unreadable_file_is_a_matter_of_credentials(void **state)
{
    struct place *p = *state;

    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(chmod(p->dir, 0755), 0);
    if (geteuid() != 0)
        assert_int_equal(chmod(p->path, 0), 0);
    assert_int_equal(in_child(load_as_nobody, p->path), OWNKEY_CREDENTIALS);
}

static void
refuses_a_file_of_somebody_else(void **state)
{
    struct place *p = *state;

    if (geteuid() != 0)
        skip();
    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(chmod(p->dir, 0755), 0);
    assert_int_equal(chmod(p->path, 0644), 0);
    assert_int_equal(in_child(load_as_nobody, p->path), OWNKEY_CONFIG);
}

static void
root_keeps_the_owner(void **state)
{
    struct place *p = *state;
    struct ownkey_error err;
    struct stat st;

    if (geteuid() != 0)
        skip();
    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(chown(p->path, 65534, 65534), 0);
    assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err), OWNKEY_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_uid, 65534);
    assert_int_equal(st.st_gid, 65534);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void
refuses_what_is_not_a_regular_file(void **state)
{
    struct place *p = *state;
    struct ownkey_error err;

    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(load(p->path, &err), OWNKEY_CONFIG);
    assert_int_equal(rmdir(p->path), 0);
    assert_int_equal(mkfifo(p->path, 0600), 0);
    assert_int_equal(load(p->path, &err), OWNKEY_CONFIG);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(symlink("/dev/null", p->path), 0);
    assert_int_equal(load(p->path, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "symbolic link"));
}

static void
refuses_an_empty_and_a_huge_file(void **state)
{
    struct place *p = *state;
    struct ownkey_error err;

    write_file(p->path, "", 0);
    assert_int_equal(load(p->path, &err), OWNKEY_PROTOCOL);
    assert_int_equal(truncate(p->path, (off_t)1 << 40), 0);
    assert_int_equal(load(p->path, &err), OWNKEY_PROTOCOL);
}

/* ---- making and steering ------------------------------------------------ */

static void
never_creates_over_anything(void **state)
{
    struct place *p = *state;
    struct ownkey_error err = { 0 };
    char before[4096];
    char after[4096];

    create(p, OWNKEY_KEY_AES_256);
    (void)read_file(p->path, before, sizeof(before));
    assert_int_equal(ownkey_localkms_create(p->path, OWNKEY_KEY_ED25519, &err),
                     OWNKEY_IO);
    assert_non_null(strstr(err.text, "exists already"));
    (void)read_file(p->path, after, sizeof(after));
    assert_string_equal(before, after);

    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(symlink("/nonexistent/x", p->path), 0);
    assert_int_equal(ownkey_localkms_create(p->path, OWNKEY_KEY_ED25519, &err),
                     OWNKEY_IO);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(ownkey_localkms_create(p->path, OWNKEY_KEY_ED25519, &err),
                     OWNKEY_IO);
}

static void
storing_a_new_file_loses_to_one_that_came_meanwhile(void **state)
{
    struct place *p = *state;
    struct ownkey_localkms_file file = { 0 };
    struct ownkey_error err = { 0 };
    char text[64];

    assert_int_equal(ownkey_localkms_parse(ownkey_blob_text(GOOD), &file, NULL),
                     OWNKEY_OK);
    write_file(p->path, "theirs", 6);
    assert_int_equal(ownkey_localkms_store(p->path, &file, -1, &err),
                     OWNKEY_IO);
    (void)read_file(p->path, text, sizeof(text));
    assert_string_equal(text, "theirs");
    ownkey_localkms_file_clear(&file);
}

static void
create_says_when_the_folder_is_missing(void **state)
{
    struct place *p = *state;
    struct ownkey_error err = { 0 };
    char below[128];

    (void)snprintf(below, sizeof(below), "%s/no/key", p->dir);
    assert_int_equal(ownkey_localkms_create(below, OWNKEY_KEY_ED25519, &err),
                     OWNKEY_IO);
    assert_non_null(strstr(err.text, below));
}

static void
file_is_private_whatever_the_umask(void **state)
{
    struct place *p = *state;
    mode_t old = umask(0);
    struct ownkey_error err;
    struct stat st;

    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    (void)umask(old);
}

static void
info_follows_every_change(void **state)
{
    struct place *p = *state;
    struct ownkey_localkms_info info;
    struct ownkey_error err;
    char uuid[sizeof(info.uuid)];
    uint32_t version = 0;

    assert_int_equal(ownkey_localkms_info(p->path, &info, &err), OWNKEY_GONE);
    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(ownkey_localkms_info(p->path, &info, &err), OWNKEY_OK);
    memcpy(uuid, info.uuid, sizeof(uuid));
    assert_int_equal(uuid[14], '4');
    assert_true(info.enabled);
    assert_int_equal(info.current, 1);
    assert_true(info.created_s > 1500000000);

    assert_int_equal(ownkey_localkms_rotate(p->path, &version, &err),
                     OWNKEY_OK);
    assert_int_equal(version, 2);
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err),
                     OWNKEY_DISABLED);
    assert_int_equal(ownkey_localkms_info(p->path, &info, &err), OWNKEY_OK);
    assert_string_equal(info.uuid, uuid);
    assert_false(info.enabled);
    assert_int_equal(info.current, 2);
    assert_int_equal(info.versions, 2);
    assert_int_equal(ownkey_localkms_enable(p->path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_localkms_info(p->path, &info, &err), OWNKEY_OK);
    assert_true(info.enabled);
}

static void
rotates_only_aes(void **state)
{
    struct place *p = *state;
    struct ownkey_error err = { 0 };

    create(p, OWNKEY_KEY_EC_P256);
    assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err),
                     OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(err.text, "ec-p256"));
}

static void
rotates_until_the_file_is_full(void **state)
{
    struct place *p = *state;
    struct ownkey_localkms_info info;
    struct ownkey_error err;

    create(p, OWNKEY_KEY_AES_256);
    for (int i = 1; i < OWNKEY_LOCALKMS_VERSIONS_MAX; i++)
        assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err),
                         OWNKEY_OK);
    assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(ownkey_localkms_info(p->path, &info, &err), OWNKEY_OK);
    assert_int_equal(info.versions, OWNKEY_LOCALKMS_VERSIONS_MAX);
}

static void
names_the_file_for_the_configuration(void **state)
{
    struct ownkey_error err = { 0 };
    char want[4200];
    char cwd[4096];
    char *uri = NULL;

    (void)state;
    assert_int_equal(ownkey_localkms_uri("/a/b c", &uri, &err), OWNKEY_OK);
    assert_string_equal(uri, "localkms:///a/b c");
    free(uri);
    assert_int_equal(ownkey_localkms_uri("k", &uri, &err), OWNKEY_OK);
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    (void)snprintf(want, sizeof(want), "localkms://%s/k", cwd);
    assert_string_equal(uri, want);
    free(uri);
    assert_int_equal(ownkey_localkms_uri("", &uri, &err), OWNKEY_CONFIG);
    assert_int_equal(ownkey_localkms_uri("/a ;b", &uri, &err), OWNKEY_CONFIG);
    assert_int_equal(ownkey_localkms_uri("/a\nb", &uri, &err), OWNKEY_CONFIG);
}

/* ---- several at a time -------------------------------------------------- */

enum { THREADS = 4, ROTATIONS = 5 };

static void *
create_one(void *path)
{
    struct ownkey_error err;

    return (void *)(uintptr_t)ownkey_localkms_create(path, OWNKEY_KEY_AES_256,
                                                     &err);
}

static void *
rotate_some(void *path)
{
    struct ownkey_error err;
    unsigned failures = 0;

    for (int i = 0; i < ROTATIONS; i++)
        failures += ownkey_localkms_rotate(path, NULL, &err) != OWNKEY_OK;
    return (void *)(uintptr_t)failures;
}

/* Runs fn in THREADS threads; how many returned 0. */
static unsigned
run_threads(void *(*fn)(void *), void *arg)
{
    pthread_t threads[THREADS];
    unsigned good = 0;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, arg), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        good += result == NULL;
    }
    return good;
}

static void
one_of_many_creators_wins(void **state)
{
    struct place *p = *state;

    assert_int_equal(run_threads(create_one, p->path), 1);
}

static void
no_rotation_is_lost(void **state)
{
    struct place *p = *state;
    struct ownkey_localkms_info info;
    struct ownkey_error err;

    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(run_threads(rotate_some, p->path), THREADS);
    assert_int_equal(ownkey_localkms_info(p->path, &info, &err), OWNKEY_OK);
    assert_int_equal(info.versions, 1 + THREADS * ROTATIONS);
    assert_int_equal(info.current, 1 + THREADS * ROTATIONS);
}

#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(refuses_damaged_text),
        PLACED(refuses_every_truncation),
        PLACED(survives_every_flipped_bit),
        PLACED(refuses_noise_and_depth),
        PLACED(prints_what_it_parses),
        PLACED(cjson_never_holds_a_key),
        PLACED(missing_file_is_gone),
        PLACED(refuses_a_file_others_can_get_at),
        PLACED(unreadable_file_is_a_matter_of_credentials),
        PLACED(refuses_a_file_of_somebody_else),
        PLACED(root_keeps_the_owner),
        PLACED(refuses_what_is_not_a_regular_file),
        PLACED(refuses_an_empty_and_a_huge_file),
        PLACED(never_creates_over_anything),
        PLACED(storing_a_new_file_loses_to_one_that_came_meanwhile),
        PLACED(create_says_when_the_folder_is_missing),
        PLACED(file_is_private_whatever_the_umask),
        PLACED(info_follows_every_change),
        PLACED(rotates_only_aes),
        PLACED(rotates_until_the_file_is_full),
        PLACED(names_the_file_for_the_configuration),
        PLACED(one_of_many_creators_wins),
        PLACED(no_rotation_is_lost),
    };

    return cmocka_run_group_tests_name("localkms_file", tests, NULL, NULL);
}
