/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - ownkey.conf, parsed and checked. See ownkey.conf(5).
 *
 * A bad token section disables that token alone: it is listed with `error`
 * filled, and everything else works. What is wrong with the file as a whole,
 * or with [global], fails the load. Every complaint starts with FILE:LINE.
 * No KMS service is called; certificate and public key files are read.
 */
#ifndef OWNKEY_CONF_CONF_H
#define OWNKEY_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/log.h"
#include "base/options.h"
#include "base/secret.h"
#include "base/status.h"

enum ownkey_conf_log {
    OWNKEY_CONF_LOG_OFF,
    OWNKEY_CONF_LOG_SYSLOG,
    OWNKEY_CONF_LOG_FILE,
    OWNKEY_CONF_LOG_STDERR,
};

/* What a remote key is for: bits. */
enum ownkey_conf_usage {
    OWNKEY_USAGE_SIGN = 1,
    OWNKEY_USAGE_DECRYPT = 2,
    OWNKEY_USAGE_DERIVE = 4,
    OWNKEY_USAGE_MAC = 8,
};

/* A remote key: section [TOKEN/NAME]. */
struct ownkey_conf_key {
    char *name;                     /* "www" */
    char *uri;                      /* "awskms:///alias/acme-www" */
    char *uri_where;                /* "FILE:LINE" of key = URI */
    struct ownkey_bytes public_key; /* DER SubjectPublicKeyInfo; from
                                       public_key or certificate; empty when
                                       neither is configured */
    struct ownkey_bytes certificate; /* DER of the first one, or empty */
    char *type;                     /* "hmac-sha256", as written; or NULL */
    char *type_where;               /* "FILE:LINE" of type = TYPE */
    unsigned usage;                 /* of ownkey_conf_usage; 0: not said */
    char *usage_where;
    struct ownkey_options options;  /* service options, "aws.region": its own
                                       and, where it has none, the token's */
    char *where;                    /* "FILE:LINE" of the section */
    struct ownkey_error error;      /* status OWNKEY_OK when usable; that of
                                       the token when the token is not */
};

/* A token: section [TOKEN]. */
struct ownkey_conf_token {
    char *name;
    char *uri;                      /* of the KEK */
    char *uri_where;                /* "FILE:LINE" of kek = URI */
    struct ownkey_bytes public_key; /* of an RSA KEK; empty: symmetric */
    uint64_t cache_ms;              /* 0: off */
    uint64_t probe_ms;
    uint64_t grace_ms;              /* 0 unless set */
    uint64_t cache_uses;            /* of one lease; 0: no limit */
    uint64_t cache_bytes;
    size_t cache_entries;           /* leases; 0: as many as there is room */
    bool no_refresh;                /* refresh = at_use */
    bool tree;                      /* leases = tree */
    char *store;                    /* path, or NULL for "none" or unset */
    char *on_state;                 /* path, or NULL */
    struct ownkey_context context;  /* context.NAME = VALUE */
    struct ownkey_options options;
    struct ownkey_conf_key *keys;
    size_t key_count;
    char *where;
    struct ownkey_error error;      /* status OWNKEY_OK when usable */
};

/* Where flush_dir is unless it is set. */
#define OWNKEY_CONF_FLUSH_DIR "/run/ownkey"

struct ownkey_conf {
    char *path;                     /* the file that was read */
    enum ownkey_conf_log log;
    char *log_path;                 /* for OWNKEY_CONF_LOG_FILE */
    enum ownkey_log_level log_level;
    char *audit;                    /* "file:PATH", or NULL */
    size_t secure_memory;           /* bytes; 0: the default */
    enum ownkey_secret_demand mlock;
    char *flush_dir;                /* NULL: none */
    struct ownkey_options unused;   /* set, checked, and not acted upon by
                                       this version: tell the user */
    struct ownkey_conf_token *tokens; /* in the order of the file */
    size_t token_count;
};

/*
 * Where the file is: explicit_path (NULL or "": not given), else $OWNKEY_CONF,
 * else SYSCONFDIR/ownkey/ownkey.conf. The environment is read with
 * secure_getenv. The caller frees *path.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_conf_find(const char *explicit_path,
                                                      char **path);

/*
 * Reads and checks a file.
 *
 * OWNKEY_OK      *conf is the caller's, freed with ownkey_conf_free
 * OWNKEY_CONFIG  missing, unreadable, writable by others than its owner and
 *                root (or owned by somebody else than root and us), readable
 *                by others while it holds a credential, or wrong as a whole
 * OWNKEY_NOMEM
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_conf_load(const char *path,
                                                      struct ownkey_conf **conf,
                                                      struct ownkey_error *err);

void ownkey_conf_free(struct ownkey_conf *conf);

/*
 * The settings of a token that are meant for a key at uri as well, added to
 * those it has: all when the service is the same, else those that every
 * service has. OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_conf_inherit(const struct ownkey_conf_token *token, const char *uri,
                    struct ownkey_options *options);

#endif
