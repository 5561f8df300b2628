/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c.h - CRC-32C (Castagnoli; RFC 3720, appendix B.4), with which Google
 * Cloud KMS protects what it is sent and what it answers.
 *
 * Our own, since Debian's library for it is C++ and would bring its runtime
 * into every host process. Its one table is one cache line, so that which
 * parts of it are read tells nothing about the bytes: these may be a key.
 */
#ifndef OWNKEY_BASE_CRC32C_H
#define OWNKEY_BASE_CRC32C_H

#include <stdint.h>

#include "base/bytes.h"

/* 0 for no bytes. */
uint32_t ownkey_crc32c(struct ownkey_blob data);

#endif
