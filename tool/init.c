/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/internal.h"
#include "kms/localkms_admin.h"
#include "tool/init_text.h"

enum {
    OPTION_KMS = OWNKEY_OPTION_OWN,
    OPTION_TOKEN,
    OPTION_KEK,
    OPTION_OUTPUT,
};

struct init {
    const char *kms;
    const struct ownkey_init_service *service;
    const char *token;
    const char *kek;
    const char *output;
    char *path; /* of the configuration */
    char *uri;  /* of the KEK */
    bool made_key;
};

/* true: go on; else *code. */
static bool
options(struct ownkey_tool *tool, int argc, char **argv, struct init *in,
        enum ownkey_exit *code)
{
    static const struct option list[] = {
        OWNKEY_TOOL_OPTIONS,
        { "kms", required_argument, NULL, OPTION_KMS },
        { "token", required_argument, NULL, OPTION_TOKEN },
        { "kek", required_argument, NULL, OPTION_KEK },
        { "output", required_argument, NULL, OPTION_OUTPUT },
        { 0 },
    };
    int option;

    *code = OWNKEY_EXIT_USAGE;
    while ((option = ownkey_tool_option(tool, argc, argv, list)) >=
           OWNKEY_OPTION_OWN) {
        if (option == OPTION_KMS)
            in->kms = optarg;
        else if (option == OPTION_TOKEN)
            in->token = optarg;
        else if (option == OPTION_KEK)
            in->kek = optarg;
        else
            in->output = optarg;
    }
    if (option == OWNKEY_OPTION_END)
        return ownkey_tool_count(tool, argc, 0, 0);
    if (option != OWNKEY_OPTION_BAD)
        *code = OWNKEY_EXIT_DONE;
    return false;
}

static bool
options_fit(const struct ownkey_tool *tool, const struct init *in)
{
    char scheme[32] = "";
    const char *hint;

    if (in->service == NULL)
        (void)ownkey_tool_usage(tool, "--kms %s: must be one of %s", in->kms,
                                ownkey_init_services);
    else if (!ownkey_conf_name_ok(in->token, strlen(in->token)) ||
             strcasecmp(in->token, "global") == 0)
        (void)ownkey_tool_usage(tool,
                                "--token %s: must be 1 to 32 characters out of "
                                "A-Z a-z 0-9 _ . - and not global",
                                in->token);
    else if (in->kek != NULL && !ownkey_conf_uri_ok(in->kek, &hint))
        (void)ownkey_tool_usage(tool, "--kek %s: must be %s", in->kek, hint);
    else if (in->kek != NULL &&
             strcmp(ownkey_tool_scheme(in->kek, scheme, sizeof(scheme)),
                    in->kms) != 0)
        (void)ownkey_tool_usage(tool, "--kek %s is no key in %s; see --kms",
                                in->kek, in->kms);
    else
        return true;
    return false;
}

/* The path of the configuration, and its folder, which may be new. */
static enum ownkey_status
find_path(const struct ownkey_tool *tool, struct init *in,
          struct ownkey_error *err)
{
    const char *given = in->output != NULL ? in->output : tool->config;
    struct stat st;
    char *copy;

    if (ownkey_conf_find(given, &in->path) != OWNKEY_OK ||
        (copy = strdup(in->path)) == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    if (lstat(in->path, &st) == 0)
        ownkey_fail(err, OWNKEY_IO, "%s exists and is left as it is", in->path);
    else if (mkdir(dirname(copy), 0755) != 0 && errno != EEXIST)
        ownkey_fail(err, OWNKEY_IO, "%s: %s", copy, strerror(errno));
    free(copy);
    return err->status;
}

/* Where the key file is: beside the configuration unless --kek says. */
static char *
key_path(const struct init *in)
{
    char *copy = strdup(in->path);
    char *folder = copy != NULL ? realpath(dirname(copy), NULL) : NULL;
    char *path = NULL;

    if (in->kek != NULL)
        path = strdup(in->kek + strlen("localkms://"));
    else if (folder != NULL &&
             asprintf(&path, "%s/%s.key", folder, in->token) < 0)
        path = NULL;
    free(folder);
    free(copy);
    return path;
}

static enum ownkey_status
make_local_key(struct init *in, struct ownkey_error *err)
{
    char *path = key_path(in);
    struct stat st_file;
    enum ownkey_status st;

    if (path == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    st = ownkey_localkms_uri(path, &in->uri, err);
    if (st == OWNKEY_OK && lstat(path, &st_file) != 0) {
        st = ownkey_localkms_create(path, OWNKEY_KEY_AES_256, err);
        in->made_key = st == OWNKEY_OK;
    }
    free(path);
    return st;
}

static enum ownkey_status
write_new(const struct init *in, struct ownkey_error *err)
{
    int fd = open(in->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *f;
    bool written;

    if (fd < 0)
        return ownkey_fail(err, OWNKEY_IO, "%s: %s", in->path,
                           errno == EEXIST ? "exists and is left as it is"
                                           : strerror(errno));
    f = fdopen(fd, "w");
    if (f == NULL) {
        (void)close(fd);
        (void)unlink(in->path);
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    }
    written = ownkey_init_write(f, in->service, in->token, in->uri) &&
              fflush(f) == 0 && fsync(fd) == 0;
    if (fclose(f) == 0 && written)
        return OWNKEY_OK;
    (void)unlink(in->path);
    return ownkey_fail(err, OWNKEY_IO, "%s: %s", in->path, strerror(errno));
}

static enum ownkey_exit
done(const struct ownkey_tool *tool, const struct init *in)
{
    bool standard = in->output == NULL && tool->config == NULL;
    bool edit = in->kek == NULL && in->service->kek != NULL;
    cJSON *json;

    if (!tool->json) {
        (void)printf("%s\n", in->path);
        if (in->made_key)
            (void)printf("%s\n", in->uri + strlen("localkms://"));
        ownkey_tool_say(tool, "%sNext: ownkey%s%s check",
                        edit ? "Put the URI of your KEK there. " : "",
                        standard ? "" : " --config ", standard ? "" : in->path);
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_text(json, "config", in->path);
    ownkey_report_text(json, "token", in->token);
    ownkey_report_text(json, "kek", in->uri);
    ownkey_report_bool(json, "key_created", in->made_key);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

enum ownkey_exit
ownkey_tool_init(struct ownkey_tool *tool, int argc, char **argv)
{
    struct init in = { .kms = "localkms", .token = "main" };
    struct ownkey_error err = { 0 };
    enum ownkey_exit code;
    enum ownkey_status st;

    if (!options(tool, argc, argv, &in, &code))
        return code;
    in.service = ownkey_init_service_of(in.kms);
    if (!options_fit(tool, &in))
        return OWNKEY_EXIT_USAGE;
    st = find_path(tool, &in, &err);
    if (st == OWNKEY_OK && in.service->kek == NULL)
        st = make_local_key(&in, &err);
    else if (st == OWNKEY_OK && (in.uri = strdup(in.kek != NULL
                                                     ? in.kek
                                                     : in.service->kek)) == NULL)
        st = ownkey_fail(&err, OWNKEY_NOMEM, "no memory");
    if (st == OWNKEY_OK)
        st = write_new(&in, &err);
    code = st == OWNKEY_OK ? done(tool, &in) : ownkey_tool_fail(tool, &err);
    free(in.uri);
    free(in.path);
    return code;
}
