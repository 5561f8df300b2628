/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <stddef.h>

/* What four bits do to the register; polynomial 0x1edc6f41, reflected. */
static const _Alignas(64) uint32_t table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
    0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t
ownkey_crc32c(struct ownkey_blob data)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < data.len; i++) {
        crc ^= data.data[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return crc ^ 0xffffffff;
}
