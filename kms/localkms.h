/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms.h - a KMS in a file, level 0: to try things out and for tests.
 *
 * URI `localkms:///ABSOLUTE/PATH`; the path is taken as it is, without
 * percent-decoding. The file holds the key itself, so whoever can read the
 * file has the key. doc/localkms.md has the format; `ownkey localkms` and
 * kms/localkms_admin.h make and steer such files.
 *
 * It behaves like a service: nothing is kept between calls. Every operation
 * reads the file again, so that a disabled, rotated, replaced or deleted key
 * takes effect at the next call of any process. What an operation says:
 *
 *   OWNKEY_GONE         there is no such file
 *   OWNKEY_DISABLED     the key is disabled; describe works and says so
 *   OWNKEY_CREDENTIALS  we may not read it (a service we cannot log in to)
 *   OWNKEY_CONFIG       not a regular file, or others may get at it; or a
 *                       public key is configured that the file does not fit
 *   OWNKEY_PROTOCOL     it was read and is not a key file (a wrong reply)
 *   OWNKEY_UNREACHABLE  reading it failed: no descriptors, a disk error
 *   OWNKEY_DAMAGED      the ciphertext is not of this key and context
 *   OWNKEY_UNSUPPORTED  this type of key cannot do that
 *
 * Option `localkms.delay` (0s..10s, default 0s): each operation waits that
 * long before it reads the file, like the way to a service.
 *
 * Operations are counted for scripts: if the file PATH.calls exists, each
 * operation, refused ones too, appends one line to it with its name:
 * describe, public_key, wrap, generate, unwrap, rewrap (from one key to another
 * one in each file), sign, decrypt, mac or derive. It is never created and
 * needs no lock; `wc -l` counts the KMS calls of all processes.
 */
#ifndef OWNKEY_KMS_LOCALKMS_H
#define OWNKEY_KMS_LOCALKMS_H

#include "kms/kms.h"

extern const struct ownkey_kms_driver ownkey_localkms_driver;

#endif
