/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest.h - what somebody may have meant who mistyped a name.
 */
#ifndef OWNKEY_BASE_NEAREST_H
#define OWNKEY_BASE_NEAREST_H

/*
 * The candidate (NULL-terminated list) that differs least: by case only, or by
 * at most two letters. NULL: none is near.
 */
const char *ownkey_nearest(const char *text, const char *const *candidates);

#endif
