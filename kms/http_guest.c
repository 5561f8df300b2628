/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/http_guest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

/* Whether curl_global_init may be called by several threads at a time. */
static bool
is_threadsafe(void)
{
#ifdef CURL_VERSION_THREADSAFE
    return (curl_version_info(CURLVERSION_NOW)->features &
            CURL_VERSION_THREADSAFE) != 0;
#else
    return false;
#endif
}

/*
 * OpenSSL's configuration is read first, outside of any lock: it may load
 * modules, this one among them. After it, curl_global_init has nothing left
 * to do that could come back to us.
 */
bool
ownkey_http_start(void)
{
    static pthread_mutex_t old_curl = PTHREAD_MUTEX_INITIALIZER;
    static atomic_bool started;
    bool safe = is_threadsafe();
    CURLcode rc;

    if (atomic_load(&started))
        return true;
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
        return false;
    if (!safe)
        (void)pthread_mutex_lock(&old_curl);
    rc = curl_global_init(CURL_GLOBAL_DEFAULT); /* counts, if called twice */
    if (!safe)
        (void)pthread_mutex_unlock(&old_curl);
    if (rc == CURLE_OK)
        atomic_store(&started, true);
    return rc == CURLE_OK;
}

/* All but those that report a crash of the thread itself. */
void
ownkey_http_block_signals(struct ownkey_http_signals *s)
{
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE,
                               SIGILL,  SIGTRAP, SIGSYS };
    sigset_t set;

    (void)sigpending(&set);
    s->pipe_was_pending = sigismember(&set, SIGPIPE) == 1;
    (void)sigfillset(&set);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        (void)sigdelset(&set, own[i]);
    (void)pthread_sigmask(SIG_SETMASK, &set, &s->before);
}

/* OpenSSL writes to a closed socket without MSG_NOSIGNAL: that is ours. */
void
ownkey_http_restore_signals(const struct ownkey_http_signals *s)
{
    const struct timespec now = { 0 };
    sigset_t pending, pipe;

    (void)sigpending(&pending);
    if (!s->pipe_was_pending && sigismember(&pending, SIGPIPE) == 1) {
        (void)sigemptyset(&pipe);
        (void)sigaddset(&pipe, SIGPIPE);
        (void)sigtimedwait(&pipe, NULL, &now);
    }
    (void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}
