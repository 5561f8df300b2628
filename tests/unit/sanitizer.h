/* SPDX-License-Identifier: Apache-2.0 */
/* What a build with a sanitizer cannot be asked. */
#ifndef OWNKEY_TESTS_SANITIZER_H
#define OWNKEY_TESTS_SANITIZER_H

/* A child forked while other threads allocate may find AddressSanitizer's own
   allocator locked, for ever: GCC 12's has no fork handlers. */
#ifdef __SANITIZE_ADDRESS__
#define FORKS_AMID_THREADS 0
#else
#define FORKS_AMID_THREADS 1
#endif

#endif
