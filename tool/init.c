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

enum {
    OPTION_KMS = OWNKEY_OPTION_OWN,
    OPTION_TOKEN,
    OPTION_KEK,
    OPTION_OUTPUT,
};

struct init {
    const char *kms;
    const char *token;
    const char *kek;
    const char *output;
    char *path; /* of the configuration */
    char *uri;  /* of the KEK */
    bool made_key;
};

/* %1$s: token, %2$s: URI of the KEK */
static const char local_text[] =
    "; ownkey.conf - see ownkey.conf(5)\n"
    "\n"
    "[global]\n"
    "log = syslog, warning       ; or off, stderr, file:/PATH; a level "
    "after a comma\n"
    "\n"
    "; A token: a key encryption key (KEK) and what is under it. This one is "
    "a\n"
    "; key in a file, level 0: for trying things out, not for real secrets.\n"
    "[%1$s]\n"
    "kek = %2$s\n"
    "cache = balanced            ; a key taken away works on for 5m at most\n"
    ";context.tenant = NAME      ; bound to every key that is wrapped\n"
    "\n"
    "; A key that signs or decrypts where it is; make one with\n"
    ";     ownkey localkms create /PATH/www.key --type ec-p256\n"
    ";[%1$s/www]\n"
    ";key = localkms:///PATH/www.key\n"
    ";certificate = /PATH/www.pem ; or public_key, which this command writes:\n"
    ";                              ownkey key public %1$s/www > FILE\n";

static const char aws_text[] =
    "; ownkey.conf - see ownkey.conf(5)\n"
    "\n"
    "[global]\n"
    "log = syslog                ; or off, stderr, file:/PATH; a level after a "
    "comma\n"
    "\n"
    "; A token: a key encryption key (KEK) in AWS KMS and what is under it.\n"
    "; Credentials come from the environment or the shared files, as for the\n"
    "; AWS command line, unless they are set here.\n"
    "[%1$s]\n"
    "kek = %2$s\n"
    ";aws.region = eu-west-1     ; needed for keys not given by their ARN\n"
    ";aws.profile = NAME         ; of the shared credentials file\n"
    "cache = balanced            ; a key taken away works on for 5m at most\n"
    ";context.tenant = NAME      ; bound to every key that is wrapped\n"
    "\n"
    "; A key that signs or decrypts where it is.\n"
    ";[%1$s/www]\n"
    ";key = awskms:///alias/NAME  ; or the ARN\n"
    ";certificate = /PATH/www.pem ; or public_key, which this command writes:\n"
    ";                              ownkey key public %1$s/www > FILE\n";

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

    if (strcmp(in->kms, "localkms") != 0 && strcmp(in->kms, "awskms") != 0)
        (void)ownkey_tool_usage(tool, "--kms %s: must be localkms or awskms",
                                in->kms);
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
    bool aws = strcmp(in->kms, "awskms") == 0;
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
    written = (aws ? fprintf(f, aws_text, in->token, in->uri)
                   : fprintf(f, local_text, in->token, in->uri)) > 0 &&
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
    bool edit = in->kek == NULL && strcmp(in->kms, "awskms") == 0;
    cJSON *json;

    if (!tool->json) {
        (void)printf("%s\n", in->path);
        if (in->made_key)
            (void)printf("%s\n", in->uri + strlen("localkms://"));
        ownkey_tool_say(tool, "%sNext: ownkey%s%s check",
                        edit ? "Put the ARN or alias of your KEK there. " : "",
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
    if (!options_fit(tool, &in))
        return OWNKEY_EXIT_USAGE;
    st = find_path(tool, &in, &err);
    if (st == OWNKEY_OK && strcmp(in.kms, "localkms") == 0)
        st = make_local_key(&in, &err);
    else if (st == OWNKEY_OK &&
             (in.uri = strdup(in.kek != NULL ? in.kek
                                             : "awskms:///alias/NAME")) == NULL)
        st = ownkey_fail(&err, OWNKEY_NOMEM, "no memory");
    if (st == OWNKEY_OK)
        st = write_new(&in, &err);
    code = st == OWNKEY_OK ? done(tool, &in) : ownkey_tool_fail(tool, &err);
    free(in.uri);
    free(in.path);
    return code;
}
