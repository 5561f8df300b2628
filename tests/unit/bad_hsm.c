/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bad_hsm.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#define EXPORT __attribute__((visibility("default")))

enum { SESSIONS = 300, OBJECTS = 16, VALUE_MAX = 4200 };
enum { KEK = 1, EC_KEY = 2, EC_PUBLIC = 3, OTHER_KEK = 4, FIRST_OBJECT = 100 };

EXPORT extern struct bad_hsm bad_hsm;
EXPORT extern bool bad_hsm_logged_in; /* under its lock */
EXPORT extern bad_hsm_reset bad_hsm_switch_off_and_on;
CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

struct bad_hsm bad_hsm = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
    .tries = 10,
    .bad_tag_rv = CKR_ENCRYPTED_DATA_INVALID,
    .kwp_mechanism = CKM_AES_KEY_WRAP_KWP,
};

static const uint8_t kek_value[32] = "the bad HSM's key encryption key";
static const char right_pin[] = "1234";

struct session {
    bool open;
    CK_MECHANISM_TYPE mechanism; /* of the operation that was begun; 0 none */
    uint8_t iv[12];
    uint8_t *iv_out;
    uint8_t aad[64];
    size_t aad_size;
    CK_OBJECT_HANDLE results[8];
    size_t result_count, result_at;
    bool wants_login;
};

static struct session sessions[SESSIONS]; /* all under bad_hsm.lock */
static struct {
    bool used;
    CK_SESSION_HANDLE owner;
    size_t len;
    uint8_t value[VALUE_MAX];
} objects[OBJECTS];
static bool ready;
static pid_t ready_in;
bool bad_hsm_logged_in;
static CK_SESSION_HANDLE base_handle; /* handles are never used again */

/* ---- orders ---------------------------------------------------------- */

static void
sleep_ms(int ms)
{
    struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

    (void)nanosleep(&t, NULL);
}

/* Begins a call: CKR_OK, and the lock is held. */
static CK_RV
begin(const char *name)
{
    int slow = 0;

    (void)pthread_mutex_lock(&bad_hsm.lock);
    bad_hsm.busy++;
    if (bad_hsm.busy > bad_hsm.busiest)
        bad_hsm.busiest = bad_hsm.busy;
    while (bad_hsm.hang_in != NULL && strcmp(bad_hsm.hang_in, name) == 0)
        (void)pthread_cond_wait(&bad_hsm.changed, &bad_hsm.lock);
    if (bad_hsm.slow_in != NULL && strcmp(bad_hsm.slow_in, name) == 0)
        slow = bad_hsm.slow_ms;
    if (slow > 0) {
        (void)pthread_mutex_unlock(&bad_hsm.lock);
        sleep_ms(slow);
        (void)pthread_mutex_lock(&bad_hsm.lock);
    }
    if (bad_hsm.fail_in != NULL && strcmp(bad_hsm.fail_in, name) == 0 &&
        bad_hsm.fail_times != 0) {
        if (bad_hsm.fail_times > 0)
            bad_hsm.fail_times--;
        return bad_hsm.fail_with;
    }
    if (strcmp(name, "Initialize") != 0 && (!ready || ready_in != getpid()))
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    return CKR_OK;
}

static CK_RV
end(CK_RV rv)
{
    bad_hsm.busy--;
    (void)pthread_mutex_unlock(&bad_hsm.lock);
    return rv;
}

static void
forget_all(void)
{
    memset(sessions, 0, sizeof(sessions));
    memset(objects, 0, sizeof(objects));
    base_handle += SESSIONS;
    bad_hsm.sessions = 0;
    bad_hsm.objects = 0;
    bad_hsm_logged_in = false;
}

void
bad_hsm_switch_off_and_on(void)
{
    (void)pthread_mutex_lock(&bad_hsm.lock);
    forget_all();
    (void)pthread_mutex_unlock(&bad_hsm.lock);
}

static struct session *
session_of(CK_SESSION_HANDLE h)
{
    CK_SESSION_HANDLE i = h - base_handle - 1;

    return i < SESSIONS && sessions[i].open ? &sessions[i] : NULL;
}

/* Begins a call on a session. */
static CK_RV
begin_on(const char *name, CK_SESSION_HANDLE h, struct session **s)
{
    CK_RV rv = begin(name);

    if (rv == CKR_OK && (*s = session_of(h)) == NULL)
        rv = CKR_SESSION_HANDLE_INVALID;
    if (rv == CKR_OK && bad_hsm.no_token)
        rv = CKR_DEVICE_REMOVED;
    return rv;
}

/* ---- module, slot, token --------------------------------------------- */

/* For scripts: BAD_HSM=Decrypt=0x30 fails C_Decrypt, always; PIN=N is how many
   tries of the PIN are left. */
static void
take_orders(void)
{
    static char name[32];
    const char *order = getenv("BAD_HSM");
    unsigned long value = 0;

    if (order == NULL || sscanf(order, "%31[A-Za-z]=%li", name,
                                (long *)&value) != 2)
        return;
    if (strcmp(name, "PIN") == 0) {
        bad_hsm.tries = (unsigned)value;
        return;
    }
    bad_hsm.fail_in = name;
    bad_hsm.fail_with = value;
    bad_hsm.fail_times = -1;
}

static CK_RV
initialize(void *args)
{
    CK_RV rv = begin("Initialize");

    (void)args;
    if (rv == CKR_OK && ready && ready_in == getpid())
        rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (rv == CKR_OK) {
        forget_all();
        take_orders();
        /* Once, by one thread: OpenSSL 3.0 leaks when several begin. */
        EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
        ready = true;
        ready_in = getpid();
        bad_hsm.initialized++;
    }
    return end(rv);
}

static CK_RV
finalize(void *args)
{
    CK_RV rv = begin("Finalize");

    (void)args;
    if (rv == CKR_OK) {
        forget_all();
        ready = false;
        bad_hsm.finalized++;
    }
    return end(rv);
}

static void
pad(CK_UTF8CHAR *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    memcpy(field, text, strlen(text));
}

static const char *
maker(void)
{
    return bad_hsm.maker != NULL ? bad_hsm.maker : "bad HSMs";
}

static CK_RV
get_info(CK_INFO *info)
{
    CK_RV rv = begin("GetInfo");

    if (rv == CKR_OK) {
        memset(info, 0, sizeof(*info));
        info->cryptokiVersion.major = 2;
        info->cryptokiVersion.minor = 40;
        pad(info->manufacturerID, sizeof(info->manufacturerID), maker());
        pad(info->libraryDescription, sizeof(info->libraryDescription), "bad");
    }
    return end(rv);
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    CK_ULONG n = 1;
    CK_RV rv = begin("GetSlotList");

    if (present && bad_hsm.no_token)
        n = 0;
    if (rv == CKR_OK && list != NULL && n == 1)
        list[0] = 7;
    if (rv == CKR_OK)
        *count = bad_hsm.lie == BAD_LIE_SLOTS && list != NULL ? 5000 : n;
    return end(rv);
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    CK_RV rv = begin("GetSlotInfo");

    if (rv == CKR_OK && slot != 7)
        rv = CKR_SLOT_ID_INVALID;
    if (rv == CKR_OK) {
        memset(info, 0, sizeof(*info));
        pad(info->slotDescription, sizeof(info->slotDescription), "slot");
        pad(info->manufacturerID, sizeof(info->manufacturerID), maker());
        info->flags = CKF_TOKEN_PRESENT;
    }
    return end(rv);
}

static CK_FLAGS
count_flags(void)
{
    if (bad_hsm.no_count_flags)
        return 0;
    if (bad_hsm.tries == 0)
        return CKF_USER_PIN_LOCKED;
    if (bad_hsm.tries == 1)
        return CKF_USER_PIN_FINAL_TRY;
    return bad_hsm.wrong_pins > 0 ? CKF_USER_PIN_COUNT_LOW : 0;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = begin("GetTokenInfo");

    if (rv == CKR_OK && slot != 7)
        rv = CKR_SLOT_ID_INVALID;
    if (rv == CKR_OK && bad_hsm.no_token)
        rv = CKR_TOKEN_NOT_PRESENT;
    if (rv == CKR_OK) {
        memset(info, 0, sizeof(*info));
        pad(info->label, sizeof(info->label), "bad");
        pad(info->manufacturerID, sizeof(info->manufacturerID), maker());
        pad(info->model, sizeof(info->model), "M");
        pad(info->serialNumber, sizeof(info->serialNumber), "BAD1");
        info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED |
                      CKF_USER_PIN_INITIALIZED | count_flags();
        if (bad_hsm.pad_login)
            info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    }
    return end(rv);
}

static CK_RV
get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                   CK_MECHANISM_INFO *info)
{
    CK_RV rv = begin("GetMechanismInfo");
    CK_FLAGS flags = 0;

    (void)slot;
    if (type == CKM_AES_GCM && !bad_hsm.no_gcm)
        flags = CKF_ENCRYPT | CKF_DECRYPT;
    if (type == bad_hsm.kwp_mechanism && bad_hsm.kwp != BAD_KWP_NONE)
        flags = bad_hsm.kwp == BAD_KWP_KEY ? CKF_WRAP | CKF_UNWRAP
                                           : CKF_ENCRYPT | CKF_DECRYPT;
    if (rv == CKR_OK && flags == 0)
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK)
        *info = (CK_MECHANISM_INFO){ 16, 32, flags };
    return end(rv);
}

/* ---- sessions -------------------------------------------------------- */

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
             CK_SESSION_HANDLE *out)
{
    CK_RV rv = begin("OpenSession");

    (void)app;
    (void)notify;
    if (rv == CKR_OK && slot != 7)
        rv = CKR_SLOT_ID_INVALID;
    if (rv == CKR_OK && bad_hsm.no_token)
        rv = CKR_TOKEN_NOT_PRESENT;
    if (rv == CKR_OK && bad_hsm.no_read_only && (flags & CKF_RW_SESSION) == 0)
        rv = CKR_FUNCTION_NOT_SUPPORTED;
    if (rv == CKR_OK && bad_hsm.max_sessions > 0 &&
        bad_hsm.sessions >= bad_hsm.max_sessions)
        rv = CKR_SESSION_COUNT;
    if (rv == CKR_OK && bad_hsm.lie == BAD_LIE_SESSION) {
        *out = 0;
        return end(rv);
    }
    for (size_t i = 0; rv == CKR_OK && i < SESSIONS; i++) {
        if (sessions[i].open)
            continue;
        sessions[i] = (struct session){ .open = true };
        bad_hsm.opened++;
        bad_hsm.sessions++;
        *out = base_handle + i + 1;
        return end(CKR_OK);
    }
    return end(rv == CKR_OK ? CKR_SESSION_COUNT : rv);
}

static void
drop_objects_of(CK_SESSION_HANDLE h)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (!objects[i].used || objects[i].owner != h)
            continue;
        memset(&objects[i], 0, sizeof(objects[i]));
        bad_hsm.objects--;
    }
}

static CK_RV
close_session(CK_SESSION_HANDLE h)
{
    struct session *s;
    CK_RV rv = begin_on("CloseSession", h, &s);

    if (rv == CKR_OK) {
        s->open = false;
        drop_objects_of(h);
        bad_hsm.closed++;
        if (--bad_hsm.sessions == 0)
            bad_hsm_logged_in = false;
    }
    return end(rv);
}

static CK_RV
get_session_info(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
    struct session *s;
    CK_RV rv = begin_on("GetSessionInfo", h, &s);

    if (rv == CKR_OK)
        *info = (CK_SESSION_INFO){
            .slotID = 7,
            .state = bad_hsm_logged_in ? CKS_RO_USER_FUNCTIONS
                                       : CKS_RO_PUBLIC_SESSION,
            .flags = CKF_SERIAL_SESSION,
        };
    return end(rv);
}

static CK_RV
login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
    struct session *s;
    CK_RV rv = begin_on("Login", h, &s);
    bool right = pin == NULL ? bad_hsm.pad_login
                             : len == 4 && memcmp(pin, right_pin, 4) == 0;

    if (rv != CKR_OK)
        return end(rv);
    if (user == CKU_USER && bad_hsm_logged_in)
        return end(CKR_USER_ALREADY_LOGGED_IN);
    bad_hsm.logins++;
    if (bad_hsm.tries == 0)
        return end(CKR_PIN_LOCKED);
    if (!right) {
        bad_hsm.wrong_pins++;
        bad_hsm.tries--;
        return end(CKR_PIN_INCORRECT);
    }
    if (user == CKU_USER)
        bad_hsm_logged_in = true;
    s->wants_login = false;
    return end(CKR_OK);
}

/* ---- objects --------------------------------------------------------- */

static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
                                0xce, 0x3d, 0x03, 0x01, 0x07 };
/* The generator: a public key like any other. */
static const uint8_t point[] = {
    0x04, 0x41, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8,
    0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d,
    0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c,
    0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb,
    0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5
};

static bool
is_there(CK_OBJECT_HANDLE h)
{
    if (h == EC_PUBLIC)
        return true;
    if (!bad_hsm_logged_in)
        return false;
    return (h == KEK && !bad_hsm.no_key) || h == EC_KEY ||
           (h == OTHER_KEK && bad_hsm.two_keys);
}

static CK_OBJECT_CLASS
class_of(CK_OBJECT_HANDLE h)
{
    if (h == EC_PUBLIC)
        return CKO_PUBLIC_KEY;
    return h == EC_KEY ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;
}

static const char *
label_of(CK_OBJECT_HANDLE h)
{
    return h == KEK || h == OTHER_KEK ? "kek" : "ec";
}

static bool
matches(CK_OBJECT_HANDLE h, const CK_ATTRIBUTE *t, CK_ULONG n)
{
    for (CK_ULONG i = 0; i < n; i++) {
        CK_OBJECT_CLASS class = class_of(h);
        uint8_t id = h == EC_KEY || h == EC_PUBLIC ? 2 : 1;
        const void *value = NULL;
        size_t len = 0;

        if (t[i].type == CKA_CLASS) {
            value = &class;
            len = sizeof(class);
        } else if (t[i].type == CKA_LABEL) {
            value = label_of(h);
            len = strlen(label_of(h));
        } else if (t[i].type == CKA_ID) {
            value = &id;
            len = 1;
        }
        if (value == NULL || t[i].ulValueLen != len ||
            memcmp(t[i].pValue, value, len) != 0)
            return false;
    }
    return is_there(h);
}

static CK_RV
find_init(CK_SESSION_HANDLE h, CK_ATTRIBUTE *t, CK_ULONG n)
{
    struct session *s;
    CK_RV rv = begin_on("FindObjectsInit", h, &s);

    if (rv != CKR_OK)
        return end(rv);
    bad_hsm.found++;
    s->result_count = 0;
    s->result_at = 0;
    for (CK_OBJECT_HANDLE o = KEK; o <= OTHER_KEK; o++)
        if (matches(o, t, n))
            s->results[s->result_count++] = o;
    return end(CKR_OK);
}

static CK_RV
find(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
    struct session *s;
    CK_RV rv = begin_on("FindObjects", h, &s);

    *count = 0;
    while (rv == CKR_OK && *count < max && s->result_at < s->result_count)
        out[(*count)++] = s->results[s->result_at++];
    if (rv == CKR_OK && bad_hsm.lie == BAD_LIE_FIND)
        *count = max + 1;
    return end(rv);
}

static CK_RV
find_final(CK_SESSION_HANDLE h)
{
    struct session *s;

    return end(begin_on("FindObjectsFinal", h, &s));
}

static CK_RV
give(CK_ATTRIBUTE *a, const void *value, size_t len)
{
    if (bad_hsm.lie == BAD_LIE_ATTRIBUTE) {
        a->ulValueLen += 1000;
        return CKR_OK;
    }
    if (len == sizeof(CK_ULONG) && bad_hsm.lie == BAD_LIE_ULONG)
        len = 4;
    if (a->pValue != NULL && a->ulValueLen < len) {
        a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (a->pValue != NULL)
        memcpy(a->pValue, value, len);
    a->ulValueLen = len;
    return CKR_OK;
}

static CK_RV
give_key_attribute(CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a)
{
    bool ec = o == EC_KEY || o == EC_PUBLIC;
    CK_BBOOL allowed = bad_hsm.key_forbidden && o == KEK ? CK_FALSE : CK_TRUE;
    CK_BBOOL always = bad_hsm.always_authenticate ? CK_TRUE : CK_FALSE;
    CK_ULONG number;

    switch (a->type) {
    case CKA_CLASS:
        number = class_of(o);
        return give(a, &number, sizeof(number));
    case CKA_KEY_TYPE:
        number = ec ? CKK_EC : CKK_AES;
        return give(a, &number, sizeof(number));
    case CKA_ID:
        return give(a, ec ? "\2" : "\1", 1);
    case CKA_LABEL:
        return give(a, label_of(o), strlen(label_of(o)));
    case CKA_VALUE_LEN:
        number = sizeof(kek_value);
        return ec ? CKR_ATTRIBUTE_TYPE_INVALID
                  : give(a, &number, sizeof(number));
    case CKA_ENCRYPT:
    case CKA_DECRYPT:
    case CKA_WRAP:
    case CKA_UNWRAP:
        return give(a, &allowed, 1);
    case CKA_ALWAYS_AUTHENTICATE:
        return give(a, &always, 1);
    case CKA_EC_PARAMS:
        return ec ? give(a, p256, sizeof(p256)) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_EC_POINT:
        return o == EC_PUBLIC ? give(a, point, sizeof(point))
                              : CKR_ATTRIBUTE_TYPE_INVALID;
    default:
        a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static CK_RV
get_attribute(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *t,
              CK_ULONG n)
{
    struct session *s;
    CK_RV rv = begin_on("GetAttributeValue", h, &s);
    size_t i = o - FIRST_OBJECT;

    if (rv == CKR_OK && n != 1)
        rv = CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK)
        return end(rv);
    if (o >= FIRST_OBJECT && i < OBJECTS && objects[i].used &&
        t->type == CKA_VALUE)
        return end(give(t, objects[i].value, objects[i].len));
    if (o >= FIRST_OBJECT || !is_there(o))
        return end(CKR_OBJECT_HANDLE_INVALID);
    return end(give_key_attribute(o, t));
}

static CK_RV
store_object(CK_SESSION_HANDLE h, const uint8_t *value, size_t len,
             CK_OBJECT_HANDLE *out)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i].used || len > VALUE_MAX)
            continue;
        objects[i].used = true;
        objects[i].owner = h;
        objects[i].len = len;
        memcpy(objects[i].value, value, len);
        bad_hsm.objects++;
        *out = FIRST_OBJECT + i;
        return CKR_OK;
    }
    return CKR_DEVICE_MEMORY;
}

static CK_RV
create_object(CK_SESSION_HANDLE h, CK_ATTRIBUTE *t, CK_ULONG n,
              CK_OBJECT_HANDLE *out)
{
    struct session *s;
    CK_RV rv = begin_on("CreateObject", h, &s);

    for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++)
        if (t[i].type == CKA_VALUE)
            return end(store_object(h, t[i].pValue, t[i].ulValueLen, out));
    return end(rv == CKR_OK ? CKR_TEMPLATE_INCOMPLETE : rv);
}

static CK_RV
destroy_object(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o)
{
    struct session *s;
    CK_RV rv = begin_on("DestroyObject", h, &s);
    size_t i = o - FIRST_OBJECT;

    if (rv == CKR_OK && (i >= OBJECTS || !objects[i].used))
        rv = CKR_OBJECT_HANDLE_INVALID;
    if (rv == CKR_OK) {
        memset(&objects[i], 0, sizeof(objects[i]));
        bad_hsm.objects--;
    }
    return end(rv);
}

/* ---- AES, in the default library context ----------------------------- */

static bool
aes_gcm(bool encrypt, const struct session *s, const uint8_t *in, size_t len,
        uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t tag[16];
    size_t body = encrypt ? len : len - 16;
    int n = 0;
    bool ok = ctx != NULL &&
              EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, kek_value, s->iv,
                                encrypt) == 1 &&
              EVP_CipherUpdate(ctx, NULL, &n, s->aad, (int)s->aad_size) == 1;

    if (ok && !encrypt) {
        memcpy(tag, in + body, sizeof(tag));
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, tag) == 1;
    }
    ok = ok && EVP_CipherUpdate(ctx, out, &n, in, (int)body) == 1 &&
         EVP_CipherFinal_ex(ctx, out + n, &n) == 1;
    if (ok && encrypt)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, out + len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static bool
aes_wrap(bool encrypt, const uint8_t *in, size_t len, uint8_t *out,
         size_t *out_len)
{
    bool pkcs7 = bad_hsm.kwp == BAD_KWP_PKCS7;
    const EVP_CIPHER *cipher =
        pkcs7 ? EVP_aes_256_wrap() : EVP_aes_256_wrap_pad();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t padded[VALUE_MAX + 16];
    size_t add = pkcs7 && encrypt ? 8 - len % 8 : 0;
    int n = 0;
    bool ok;

    memcpy(padded, in, len);
    memset(padded + len, (int)add, add);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ok = EVP_CipherInit_ex(ctx, cipher, NULL, kek_value, NULL, encrypt) == 1 &&
         EVP_CipherUpdate(ctx, out, &n, padded, (int)(len + add)) == 1 && n > 0;
    EVP_CIPHER_CTX_free(ctx);
    explicit_bzero(padded, sizeof(padded));
    *out_len = (size_t)n;
    if (ok && pkcs7 && !encrypt)
        *out_len -= out[n - 1];
    return ok;
}

struct brief_params {
    CK_BYTE *iv;
    CK_ULONG iv_size;
    CK_BYTE *aad;
    CK_ULONG aad_size;
    CK_ULONG tag;
};

static CK_RV
take_gcm(struct session *s, CK_MECHANISM *m)
{
    CK_GCM_PARAMS *p = m->pParameter;
    struct brief_params brief;

    if (bad_hsm.brief_gcm) {
        if (m->ulParameterLen != sizeof(brief))
            return CKR_MECHANISM_PARAM_INVALID;
        memcpy(&brief, m->pParameter, sizeof(brief));
    } else {
        if (m->ulParameterLen != sizeof(*p))
            return CKR_MECHANISM_PARAM_INVALID;
        brief = (struct brief_params){ p->pIv, p->ulIvLen, p->pAAD,
                                       p->ulAADLen, p->ulTagBits };
    }
    if (brief.iv_size != 12 || brief.tag != 128 ||
        brief.aad_size > sizeof(s->aad))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(s->iv, brief.iv, 12);
    s->iv_out = brief.iv;
    memcpy(s->aad, brief.aad, brief.aad_size);
    s->aad_size = brief.aad_size;
    return CKR_OK;
}

static CK_RV
crypt_init(const char *name, CK_SESSION_HANDLE h, CK_MECHANISM *m,
           CK_OBJECT_HANDLE key)
{
    struct session *s;
    CK_RV rv = begin_on(name, h, &s);

    if (rv == CKR_OK && s->mechanism != 0)
        rv = CKR_OPERATION_ACTIVE;
    if (rv == CKR_OK && !is_there(key))
        rv = CKR_KEY_HANDLE_INVALID;
    if (rv == CKR_OK && bad_hsm.key_forbidden && key == KEK)
        rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (rv == CKR_OK && m->mechanism == CKM_AES_GCM)
        rv = take_gcm(s, m);
    if (rv == CKR_OK) {
        s->mechanism = m->mechanism;
        s->wants_login = bad_hsm.always_authenticate;
    }
    return end(rv);
}

static CK_RV
encrypt_init(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    return crypt_init("EncryptInit", h, m, key);
}

static CK_RV
decrypt_init(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    return crypt_init("DecryptInit", h, m, key);
}

static CK_RV
sign_init(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    return crypt_init("SignInit", h, m, key);
}

static CK_RV
reply(const uint8_t *made, size_t len, uint8_t *out, CK_ULONG *out_len)
{
    if (bad_hsm.lie == BAD_LIE_LENGTH) {
        *out_len += 1000;
        return CKR_OK;
    }
    if (bad_hsm.lie == BAD_LIE_SHORT)
        len--;
    if (*out_len < len)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(out, made, len);
    *out_len = len;
    return CKR_OK;
}

static CK_RV
encrypt(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
        CK_ULONG *out_len)
{
    struct session *s;
    uint8_t made[VALUE_MAX + 64];
    size_t made_len = len + 16;
    CK_RV rv;
    bool ok;

    if (bad_hsm.hook != NULL)
        bad_hsm.hook();
    rv = begin_on("Encrypt", h, &s);
    if (rv == CKR_OK && s->mechanism == 0)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    if (rv != CKR_OK || len > VALUE_MAX)
        return end(rv != CKR_OK ? rv : CKR_DATA_LEN_RANGE);
    if (bad_hsm.iv_by_hsm && s->mechanism == CKM_AES_GCM) {
        memset(s->iv, 0x5a, sizeof(s->iv));
        if (bad_hsm.lie != BAD_LIE_NO_IV)
            memcpy(s->iv_out, s->iv, sizeof(s->iv));
    }
    ok = s->mechanism == CKM_AES_GCM ? aes_gcm(true, s, in, len, made)
                                     : aes_wrap(true, in, len, made, &made_len);
    s->mechanism = 0;
    return end(ok ? reply(made, made_len, out, out_len) : CKR_GENERAL_ERROR);
}

static CK_RV
decrypt(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
        CK_ULONG *out_len)
{
    struct session *s;
    uint8_t made[VALUE_MAX + 64];
    size_t made_len = len - 16;
    CK_RV rv = begin_on("Decrypt", h, &s);
    bool ok;

    if (rv == CKR_OK && s->mechanism == 0)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    if (rv == CKR_OK && s->wants_login)
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv != CKR_OK || len > VALUE_MAX)
        return end(rv != CKR_OK ? rv : CKR_DATA_LEN_RANGE);
    ok = s->mechanism == CKM_AES_GCM
             ? aes_gcm(false, s, in, len, made)
             : aes_wrap(false, in, len, made, &made_len);
    s->mechanism = 0;
    if (bad_hsm.lie == BAD_LIE_OTHER_KEY)
        memset(made, 'x', made_len);
    rv = ok ? reply(made, made_len, out, out_len) : bad_hsm.bad_tag_rv;
    explicit_bzero(made, sizeof(made));
    return end(rv);
}

static CK_RV
sign(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
     CK_ULONG *out_len)
{
    struct session *s;
    uint8_t made[64];
    CK_RV rv = begin_on("Sign", h, &s);

    (void)in;
    (void)len;
    if (rv == CKR_OK && s->wants_login)
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv != CKR_OK)
        return end(rv);
    s->mechanism = 0;
    memset(made, 0x11, sizeof(made));
    return end(reply(made, sizeof(made), out, out_len));
}

static CK_RV
wrap_key(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE key,
         CK_OBJECT_HANDLE o, CK_BYTE *out, CK_ULONG *out_len)
{
    struct session *s;
    uint8_t made[VALUE_MAX + 64];
    size_t i = o - FIRST_OBJECT;
    size_t made_len = 0;
    CK_RV rv = begin_on("WrapKey", h, &s);

    (void)m;
    if (rv == CKR_OK && !is_there(key))
        rv = CKR_WRAPPING_KEY_HANDLE_INVALID;
    if (rv == CKR_OK && (i >= OBJECTS || !objects[i].used))
        rv = CKR_KEY_HANDLE_INVALID;
    if (rv == CKR_OK &&
        !aes_wrap(true, objects[i].value, objects[i].len, made, &made_len))
        rv = CKR_GENERAL_ERROR;
    return end(rv == CKR_OK ? reply(made, made_len, out, out_len) : rv);
}

static CK_RV
unwrap_key(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE key,
           CK_BYTE *in, CK_ULONG len, CK_ATTRIBUTE *t, CK_ULONG n,
           CK_OBJECT_HANDLE *out)
{
    struct session *s;
    uint8_t made[VALUE_MAX + 64];
    size_t made_len = 0;
    CK_RV rv = begin_on("UnwrapKey", h, &s);

    (void)m;
    (void)t;
    (void)n;
    if (rv == CKR_OK && !is_there(key))
        rv = CKR_UNWRAPPING_KEY_HANDLE_INVALID;
    if (rv == CKR_OK && !aes_wrap(false, in, len, made, &made_len))
        rv = CKR_WRAPPED_KEY_INVALID;
    if (rv == CKR_OK)
        rv = store_object(h, made, made_len, out);
    explicit_bzero(made, sizeof(made));
    return end(rv);
}

static CK_FUNCTION_LIST functions = {
    .version = { 2, 40 },
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetInfo = get_info,
    .C_GetFunctionList = C_GetFunctionList,
    .C_GetSlotList = get_slot_list,
    .C_GetSlotInfo = get_slot_info,
    .C_GetTokenInfo = get_token_info,
    .C_GetMechanismInfo = get_mechanism_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_GetSessionInfo = get_session_info,
    .C_Login = login,
    .C_FindObjectsInit = find_init,
    .C_FindObjects = find,
    .C_FindObjectsFinal = find_final,
    .C_GetAttributeValue = get_attribute,
    .C_CreateObject = create_object,
    .C_DestroyObject = destroy_object,
    .C_EncryptInit = encrypt_init,
    .C_Encrypt = encrypt,
    .C_DecryptInit = decrypt_init,
    .C_Decrypt = decrypt,
    .C_SignInit = sign_init,
    .C_Sign = sign,
    .C_WrapKey = wrap_key,
    .C_UnwrapKey = unwrap_key,
};

EXPORT CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    *list = &functions;
    return CKR_OK;
}
