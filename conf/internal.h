/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - the steps of ownkey_conf_load, apart for tests and fuzzing:
 * file (permissions, bytes) -> ini (lines to sections) -> check (meaning).
 */
#ifndef OWNKEY_CONF_INTERNAL_H
#define OWNKEY_CONF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/status.h"
#include "conf/conf.h"

enum {
    OWNKEY_CONF_FILE_MAX = 1 << 24,   /* bytes of ownkey.conf */
    OWNKEY_CONF_PUBLIC_MAX = 1 << 16, /* bytes of a certificate or key file */
    OWNKEY_CONF_SECTIONS_MAX = 32768,
    OWNKEY_CONF_SETTINGS_MAX = 256, /* in one section */
    OWNKEY_CONF_NAME_MAX = 32,      /* chars of a token's or key's name */
};

/* ---- ini.c: lines to sections, with their places ---- */

struct ownkey_ini_entry {
    char *name;
    char *value;
    unsigned line;
};

struct ownkey_ini_section {
    char *name; /* what stands between the brackets, trimmed */
    unsigned line;
    unsigned first_line; /* where that name stands first */
    struct ownkey_ini_entry *entries;
    size_t count;
    struct ownkey_error error; /* its first malformed line, or OWNKEY_OK */
};

struct ownkey_ini {
    struct ownkey_ini_section *sections;
    size_t count;
};

/*
 * Splits text into sections; path is for complaints. Duplicates are kept.
 * OWNKEY_CONFIG: no text file, or more than the limits above.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_ini_parse(const char *path,
                                                      struct ownkey_blob text,
                                                      struct ownkey_ini *ini,
                                                      struct ownkey_error *err);

/* Wipes (values may be credentials) and frees. */
void ownkey_ini_clear(struct ownkey_ini *ini);

/* Fills err with "PATH:LINE: ..." unless it holds an earlier complaint. */
enum ownkey_status ownkey_conf_complain(struct ownkey_error *err,
                                        const char *path, unsigned line,
                                        const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- check.c: sections to settings ---- */

/* The whole of ownkey_conf_load but for the file. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_parse(const char *path, struct ownkey_blob text,
                  struct ownkey_conf **conf, struct ownkey_error *err);

/* Whether a setting holds a credential: "aws.secret_access_key". */
bool ownkey_conf_is_credential(const char *name);

/* Whether a setting of that kind stands anywhere in the file. */
bool ownkey_ini_has_credential(const struct ownkey_ini *ini);

/* Fills *conf, whose path is set; the caller frees it in any case. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_check(const struct ownkey_ini *ini, struct ownkey_conf *conf,
                  struct ownkey_error *err);

/* ---- section_*.c: the settings of one section ---- */

/* What the functions below work on and complain about. */
struct ownkey_conf_scope {
    const char *path;
    const struct ownkey_ini_section *section;
    struct ownkey_error *err; /* of the token, the key or the load */
};

/* OWNKEY_CONFIG is in scope->err already; OWNKEY_NOMEM ends the load. */
enum ownkey_status
ownkey_conf_fill_global(const struct ownkey_conf_scope *scope,
                        struct ownkey_conf *conf);
enum ownkey_status ownkey_conf_fill_token(const struct ownkey_conf_scope *scope,
                                          struct ownkey_conf_token *token);
enum ownkey_status ownkey_conf_fill_key(const struct ownkey_conf_scope *scope,
                                        const struct ownkey_conf_token *token,
                                        struct ownkey_conf_key *key);

/* ---- value.c: one value; on OWNKEY_CONFIG *hint says what would be right */

bool ownkey_conf_name_ok(const char *name, size_t len);
bool ownkey_conf_path_ok(const char *path, const char **hint);
bool ownkey_conf_uri_ok(const char *uri, const char **hint);
bool ownkey_conf_duration(const char *text, uint64_t min_ms, uint64_t max_ms,
                          uint64_t *out_ms, const char **hint);
bool ownkey_conf_cache(const char *text, uint64_t *out_ms, const char **hint);
bool ownkey_conf_size(const char *text, size_t min, size_t max, size_t *out,
                      const char **hint);
/* "none" is 0, else from 1 to max; *hint is the caller's. */
bool ownkey_conf_count(const char *text, uint64_t max, uint64_t *out);
/* The same with K, M, G or T after it (powers of 1024). */
bool ownkey_conf_amount(const char *text, uint64_t *out);
bool ownkey_conf_log_target(const char *text, enum ownkey_conf_log *log,
                            const char **path, size_t *path_len,
                            enum ownkey_log_level *level, const char **hint);

/* ---- file.c ---- */

/*
 * Reads a regular file of at most max bytes; st: as it was when opened. The
 * caller wipes and clears. OWNKEY_CONFIG with a text that names the path.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_read(const char *path, size_t max, struct ownkey_bytes *bytes,
                 struct stat *st, struct ownkey_error *err);

/* Wipes, then clears. */
void ownkey_conf_wipe(struct ownkey_bytes *bytes);

/*
 * OWNKEY_CONFIG: no program that we may run, or that others than root and we
 * may write or replace.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_program(const char *path, struct ownkey_error *err);

/* Who may have written the file that was read, and who may read it. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_permission(const char *path, const struct stat *st,
                       bool has_credential, struct ownkey_error *err);

/* ---- public.c: public parts from files; texts name the path ---- */

/* A SubjectPublicKeyInfo, PEM or DER, as canonical DER. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_read_public(const char *path, struct ownkey_bytes *spki,
                        struct ownkey_error *err);

/* The first certificate, PEM or DER, and its public key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_read_certificate(const char *path, struct ownkey_bytes *der,
                             struct ownkey_bytes *spki,
                             struct ownkey_error *err);

/* Whether a DER SubjectPublicKeyInfo holds an RSA key. */
bool ownkey_conf_is_rsa(struct ownkey_blob spki);

/* Whether two of them hold the same key. */
bool ownkey_conf_same_key(struct ownkey_blob a, struct ownkey_blob b);

#endif
