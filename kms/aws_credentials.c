/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_credentials.h"

#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/log.h"
#include "kms/aws_kept.h"
#include "kms/aws_static_key.h"

/* One reading of the key, and the signing key of its last day and region. */
struct reading {
    struct ownkey_aws_key key;
    struct ownkey_secret signing_key;
    char day[OWNKEY_SIGV4_DATE_LEN + 1];
    char region[64];
    uint64_t serial;
    uint64_t generation; /* of the process in which it is readable */
};

struct ownkey_aws_source {
    struct ownkey_aws_kept *kept; /* from options or environment, or NULL */
    char *profile;
    char *config_path;
    char *credentials_path;
    bool profile_is_named;        /* then it has to exist */
    bool has_web_identity;        /* the environment names it */
    bool has_container;
    struct ownkey_aws_profile settings; /* as read at open, without the key */
    struct reading current;       /* guarded by lock */
};

/* ---- one lock for all sources, held for a copy at most ----------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_serial; /* guarded by lock */

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void
fork_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
}

static void
register_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };
    struct ownkey_secret s = { 0 };

    /*
     * The arena's hooks come first, so that prepare takes this lock before
     * the arena's: the order in which they nest below.
     */
    if (ownkey_secret_alloc(&s, 1) == OWNKEY_OK)
        ownkey_secret_clear(&s);
    ownkey_fork_register(&hooks);
}

static void
enter(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_hooks);
    (void)pthread_mutex_lock(&lock);
}

static void
leave(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* ---- options and environment ------------------------------------------- */

static const char *
environment(const char *name)
{
    const char *value = secure_getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum ownkey_status
keep_key(struct ownkey_aws_source *s, const struct ownkey_options *options,
         struct ownkey_error *err)
{
    struct ownkey_aws_key key = { 0 };
    enum ownkey_status st = ownkey_aws_static_key(options, &key, err);

    if (st == OWNKEY_OK && ownkey_aws_key_whole(&key)) {
        st = ownkey_aws_kept_new(&key, &s->kept);
        if (st != OWNKEY_OK)
            (void)ownkey_fail(err, st, "out of memory");
    }
    ownkey_aws_key_clear(&key);
    return st;
}

/* ---- the shared files -------------------------------------------------- */

/* The home directory; the caller frees it. NULL: there is none. */
static char *
find_home(void)
{
    const char *home = environment("HOME");
    struct passwd pw, *found = NULL;
    char buf[4096];

    if (home != NULL)
        return strdup(home);
    if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 &&
        found != NULL)
        return strdup(found->pw_dir);
    return NULL;
}

/* From the variable, where a leading "~/" is the home, else under the home. */
static char *
find_path(const char *variable, const char *below_home)
{
    const char *set = environment(variable);
    char *home, *path = NULL;

    if (set != NULL && strncmp(set, "~/", 2) != 0)
        return strdup(set);
    home = find_home();
    if (home == NULL)
        return NULL;
    if (asprintf(&path, "%s/%s", home, set != NULL ? set + 2 : below_home) < 0)
        path = NULL;
    free(home);
    return path;
}

static enum ownkey_status
find_files(struct ownkey_aws_source *s, const struct ownkey_options *options,
           struct ownkey_error *err)
{
    const char *name = ownkey_options_get(options, "aws.profile", NULL);

    if (name == NULL)
        name = environment("AWS_PROFILE");
    s->profile_is_named = name != NULL;
    s->profile = strdup(name != NULL ? name : "default");
    s->config_path = find_path("AWS_CONFIG_FILE", ".aws/config");
    s->credentials_path =
        find_path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    return s->profile != NULL ? OWNKEY_OK
                              : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
read_file(const struct ownkey_aws_source *s, enum ownkey_aws_file kind,
          struct ownkey_aws_profile *profile, struct ownkey_error *err)
{
    struct ownkey_aws_reader reader = {
        .name = s->profile,
        .kind = kind,
        .path = kind == OWNKEY_AWS_CONFIG_FILE ? s->config_path
                                               : s->credentials_path,
        .profile = profile,
    };

    return reader.path != NULL ? ownkey_aws_profile_read(&reader, err)
                               : OWNKEY_OK;
}

/* What the credentials file says goes before the same of the config file. */
static enum ownkey_status
read_files(const struct ownkey_aws_source *s,
           struct ownkey_aws_profile *profile, struct ownkey_error *err)
{
    struct ownkey_aws_profile p = { 0 };
    enum ownkey_status st = read_file(s, OWNKEY_AWS_CONFIG_FILE, &p, err);

    if (st == OWNKEY_OK)
        st = read_file(s, OWNKEY_AWS_CREDENTIALS_FILE, &p, err);
    if (st != OWNKEY_OK) {
        ownkey_aws_profile_clear(&p);
        return st;
    }
    *profile = p;
    return OWNKEY_OK;
}

/*
 * What other tools would take from the environment, and this version cannot.
 * Looked at once: the host may change its environment later.
 */
static void
find_foreign(struct ownkey_aws_source *s)
{
    /* Goes before the files, but not before a profile that is named. */
    s->has_web_identity = !s->profile_is_named &&
                          environment("AWS_ROLE_ARN") != NULL &&
                          environment("AWS_WEB_IDENTITY_TOKEN_FILE") != NULL;
    s->has_container =
        environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL ||
        environment("AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL;
}

static enum ownkey_status
check_profile(const struct ownkey_aws_source *s,
              const struct ownkey_aws_profile *p, struct ownkey_error *err)
{
    bool whole = ownkey_aws_key_whole(&p->key);

    if (s->has_web_identity)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS_WEB_IDENTITY_TOKEN_FILE is set: web identity "
                           "is not in this version of ownkey; give an access "
                           "key instead");
    if (p->needs[0] != '\0' && !(p->needs_only_without_key && whole))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" uses %s, which is not in "
                           "this version of ownkey; name another profile by "
                           "aws.profile, or give an access key", s->profile,
                           p->needs);
    if ((p->key.id[0] != '\0') != (p->key.secret.len > 0))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" has half a key: "
                           "aws_access_key_id and aws_secret_access_key go "
                           "together", s->profile);
    if (s->profile_is_named && !p->found)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "there is no AWS profile \"%.64s\" in %.150s or "
                           "%.150s", s->profile,
                           s->config_path != NULL ? s->config_path : "-",
                           s->credentials_path != NULL ? s->credentials_path
                                                       : "-");
    return OWNKEY_OK;
}

static enum ownkey_status
fail_no_credentials(const struct ownkey_aws_source *s, struct ownkey_error *err)
{
    const char *hint =
        s->has_container ? "; container credentials are not in this version"
                         : "";

    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "no AWS credentials: none in the configuration "
                       "(aws.access_key_id), the environment, or profile "
                       "\"%.64s\" of %.120s and %.120s%s", s->profile,
                       s->credentials_path != NULL ? s->credentials_path : "-",
                       s->config_path != NULL ? s->config_path : "-", hint);
}

/* ---- open and free ----------------------------------------------------- */

/*
 * The profile's settings count with any key. Files that cannot be read now
 * matter when a key from them is needed: perhaps in a child, as another user.
 */
static enum ownkey_status
read_settings(struct ownkey_aws_source *s, struct ownkey_error *err)
{
    struct ownkey_error why = { 0 };
    enum ownkey_status st = read_files(s, &s->settings, &why);

    if (st == OWNKEY_IO) {
        ownkey_log(OWNKEY_LOG_WARNING, "%s", why.text);
        return OWNKEY_OK;
    }
    if (st == OWNKEY_OK && s->kept == NULL)
        st = check_profile(s, &s->settings, &why);
    ownkey_aws_key_clear(&s->settings.key);
    if (st != OWNKEY_OK && err != NULL)
        *err = why;
    return st;
}

enum ownkey_status
ownkey_aws_source_open(const struct ownkey_options *options,
                       struct ownkey_aws_source **source,
                       struct ownkey_error *err)
{
    struct ownkey_aws_source *s = calloc(1, sizeof(*s));
    enum ownkey_status st;

    if (s == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = keep_key(s, options, err);
    if (st == OWNKEY_OK)
        st = find_files(s, options, err);
    find_foreign(s);
    if (st == OWNKEY_OK)
        st = read_settings(s, err);
    if (st != OWNKEY_OK) {
        ownkey_aws_source_free(s);
        return st;
    }
    *source = s;
    return OWNKEY_OK;
}

static void
reading_clear(struct reading *r)
{
    ownkey_aws_key_clear(&r->key);
    ownkey_secret_clear(&r->signing_key);
    *r = (struct reading){ 0 };
}

void
ownkey_aws_source_free(struct ownkey_aws_source *source)
{
    if (source == NULL)
        return;
    ownkey_aws_kept_free(source->kept);
    free(source->profile);
    free(source->config_path);
    free(source->credentials_path);
    ownkey_aws_profile_clear(&source->settings);
    reading_clear(&source->current);
    free(source);
}

const char *
ownkey_aws_source_region(const struct ownkey_aws_source *source)
{
    return source->settings.region;
}

const char *
ownkey_aws_source_endpoint(const struct ownkey_aws_source *source)
{
    return source->settings.ignore_endpoint_urls
               ? NULL
               : source->settings.endpoint_url;
}

const char *
ownkey_aws_source_ca_bundle(const struct ownkey_aws_source *source)
{
    return source->settings.ca_bundle;
}

/* ---- identities -------------------------------------------------------- */

/* Reads the key from where it comes from; no lock held. */
static enum ownkey_status
load_key(const struct ownkey_aws_source *s, struct ownkey_aws_key *key,
         struct ownkey_error *err)
{
    struct ownkey_aws_profile profile = { 0 };
    enum ownkey_status st;

    if (s->kept != NULL) {
        ownkey_aws_kept_lock(s->kept);
        st = ownkey_aws_kept_get(s->kept, key);
        return st == OWNKEY_OK ? st
                               : ownkey_fail(err, st, "no secure memory left");
    }
    st = read_files(s, &profile, err);
    if (st == OWNKEY_IO) {
        st = OWNKEY_CREDENTIALS; /* ours, for whoever reads the status */
        if (err != NULL)
            err->status = st;
        ownkey_error_prefix(err, "cannot read AWS credentials as user %u",
                            (unsigned)geteuid());
        return st;
    }
    if (st == OWNKEY_OK)
        st = check_profile(s, &profile, err);
    if (st == OWNKEY_OK && !ownkey_aws_key_whole(&profile.key))
        st = fail_no_credentials(s, err);
    if (st == OWNKEY_OK) {
        ownkey_aws_key_clear(key);
        *key = profile.key;
        profile.key = (struct ownkey_aws_key){ 0 };
    }
    ownkey_aws_profile_clear(&profile);
    return st;
}

static void
install_key(struct ownkey_aws_source *s, struct ownkey_aws_key *key)
{
    struct reading old;

    enter();
    old = s->current;
    s->current = (struct reading){ .key = *key };
    s->current.serial = ++last_serial;
    s->current.generation = ownkey_fork_generation();
    leave();
    *key = (struct ownkey_aws_key){ 0 };
    reading_clear(&old);
}

static enum ownkey_status
copy_text_secret(const struct ownkey_secret *from, struct ownkey_secret *to)
{
    if (from->len == 0)
        return OWNKEY_OK;
    if (ownkey_secret_copy(to, from->data, from->len + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    to->len = from->len;
    return OWNKEY_OK;
}

/*
 * A snapshot of the current reading. *secret is filled when there is no
 * signing key for that day and region yet. OWNKEY_NOT_FOUND: nothing is read.
 */
static enum ownkey_status
snapshot(struct ownkey_aws_source *s, const char *day, const char *region,
         struct ownkey_aws_identity *id, struct ownkey_secret *secret)
{
    uint64_t generation = ownkey_fork_generation();
    const struct reading *r = &s->current;
    enum ownkey_status st = OWNKEY_NOT_FOUND;

    enter();
    if (r->serial != 0 && r->generation == generation) {
        memcpy(id->access_key_id, r->key.id, sizeof(id->access_key_id));
        id->serial = r->serial;
        st = copy_text_secret(&r->key.token, &id->token);
        if (st != OWNKEY_OK)
            ;
        else if (strcmp(r->day, day) == 0 && strcmp(r->region, region) == 0)
            st = ownkey_secret_copy(&id->signing_key, r->signing_key.data,
                                    r->signing_key.len);
        else
            st = copy_text_secret(&r->key.secret, secret);
    }
    leave();
    return st;
}

/* Keeps a signing key for the rest of its day. */
static void
remember_signing_key(struct ownkey_aws_source *s, const char *day,
                     const char *region, const struct ownkey_aws_identity *id)
{
    struct ownkey_secret copy = { 0 };

    if (strlen(region) >= sizeof(s->current.region) ||
        ownkey_secret_copy(&copy, id->signing_key.data, id->signing_key.len) !=
            OWNKEY_OK)
        return;
    enter();
    if (s->current.serial == id->serial &&
        s->current.generation == ownkey_fork_generation()) {
        ownkey_secret_move(&s->current.signing_key, &copy);
        (void)snprintf(s->current.day, sizeof(s->current.day), "%s", day);
        (void)snprintf(s->current.region, sizeof(s->current.region), "%s",
                       region);
    }
    leave();
    ownkey_secret_clear(&copy);
}

enum ownkey_status
ownkey_aws_source_identity(struct ownkey_aws_source *source, const char *time,
                           const char *region,
                           struct ownkey_aws_identity *identity,
                           struct ownkey_error *err)
{
    struct ownkey_aws_identity id = { 0 };
    struct ownkey_secret secret = { 0 };
    struct ownkey_aws_key key = { 0 };
    char day[OWNKEY_SIGV4_DATE_LEN + 1];
    enum ownkey_status st;

    (void)snprintf(day, sizeof(day), "%s", time);
    st = snapshot(source, day, region, &id, &secret);
    if (st == OWNKEY_NOT_FOUND) {
        st = load_key(source, &key, err);
        if (st != OWNKEY_OK)
            return st;
        install_key(source, &key);
        st = snapshot(source, day, region, &id, &secret);
    }
    if (st == OWNKEY_OK && id.signing_key.len == 0) {
        st = ownkey_sigv4_key(&secret, day, region, "kms", &id.signing_key);
        if (st == OWNKEY_OK)
            remember_signing_key(source, day, region, &id);
    }
    ownkey_secret_clear(&secret);
    if (st != OWNKEY_OK) {
        ownkey_aws_identity_clear(&id);
        return ownkey_fail(err, st, "no memory to sign a request");
    }
    ownkey_aws_identity_clear(identity);
    *identity = id;
    return OWNKEY_OK;
}

void
ownkey_aws_identity_clear(struct ownkey_aws_identity *identity)
{
    ownkey_secret_clear(&identity->token);
    ownkey_secret_clear(&identity->signing_key);
    *identity = (struct ownkey_aws_identity){ 0 };
}

static bool
same_key(const struct ownkey_aws_key *a, const struct ownkey_aws_key *b)
{
    return strcmp(a->id, b->id) == 0 &&
           ownkey_blob_equal(ownkey_blob_secret(&a->secret),
                             ownkey_blob_secret(&b->secret)) &&
           ownkey_blob_equal(ownkey_blob_secret(&a->token),
                             ownkey_blob_secret(&b->token));
}

bool
ownkey_aws_source_renew(struct ownkey_aws_source *source, uint64_t serial)
{
    struct ownkey_aws_key key = { 0 };
    bool another, renewed;

    enter();
    renewed = source->current.serial != serial; /* by another thread */
    leave();
    if (renewed)
        return true;
    if (source->kept != NULL || load_key(source, &key, NULL) != OWNKEY_OK)
        return false;
    enter();
    another = source->current.serial != serial ||
              !same_key(&key, &source->current.key);
    leave();
    if (another)
        install_key(source, &key);
    ownkey_aws_key_clear(&key);
    return another;
}
