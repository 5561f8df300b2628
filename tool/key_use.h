/* SPDX-License-Identifier: Apache-2.0 */
/* key_use.h - `ownkey key sign` and its like: what a remote key does, once. */
#ifndef OWNKEY_TOOL_KEY_USE_H
#define OWNKEY_TOOL_KEY_USE_H

#include "kms/algorithm.h"
#include "tool/tool.h"

/* One call, as typed. */
struct ownkey_key_use {
    const char *name;      /* TOKEN/NAME */
    const char *in;        /* NULL: standard input */
    const char *out;       /* NULL: standard output */
    const char *signature; /* file */
    const char *peer;      /* file */
    const char *hash;      /* as typed, or NULL */
    const char *oaep_hash;
    const char *salt;
    bool pss;
    bool raw;
    bool pkcs1;
    bool base64;
    enum ownkey_tool_place place;
};

/* NULL: it is none of these actions. */
struct ownkey_key_action {
    const char *name;
    const char *options; /* which options it has, by their long names */
    enum ownkey_exit (*run)(struct ownkey_tool *,
                            const struct ownkey_key_use *);
};
const struct ownkey_key_action *ownkey_key_action(const char *name);

/* ---- key_input.c: what goes in ---- */

/* The hash by its name ("sha256"), or the key type's own for NULL. */
bool ownkey_key_hash(const struct ownkey_tool *tool, const char *name,
                     enum ownkey_key_type type, enum ownkey_hash *hash);

/*
 * The digest of a file of any length, or with raw the file itself, which must
 * be as long as a digest; with OWNKEY_HASH_NONE the file itself.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_digest(const char *path, enum ownkey_hash hash, bool raw,
                  struct ownkey_secret *out, struct ownkey_error *err);

/* A public key, PEM or DER, as DER SubjectPublicKeyInfo. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_peer(const char *path, struct ownkey_bytes *spki,
                struct ownkey_error *err);

#endif
