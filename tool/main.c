/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct ownkey_tool_command commands[] = {
    {
        .name = "init",
        .arguments = "[--kms SERVICE] [--token NAME] [--kek URI] "
                     "[--output FILE]",
        .help = "Writes a first configuration, never over an existing file",
        .options = "  --kms SERVICE   localkms (default), awskms, azurekms, "
                   "gcpkms, hashivault, pkcs11\n"
                   "  --token NAME    of the token (default: main)\n"
                   "  --kek URI       the KEK; for localkms the key file is "
                   "made when missing\n"
                   "  --output FILE   instead of the default configuration\n",
        .run = ownkey_tool_init,
    },
    {
        .name = "check",
        .arguments = "[TOKEN]",
        .help = "Tries every key for real and says what to do about failures",
        .options = "",
        .run = ownkey_tool_check,
    },
    {
        .name = "status",
        .arguments = "[--offline]",
        .help = "Shows the tokens and whether their KEKs answer",
        .options = "  --offline       ask no KMS service\n",
        .run = ownkey_tool_status,
    },
    {
        .name = "flush",
        .arguments = "[TOKEN]",
        .help = "Has every process on this host drop its unwrapped data keys",
        .options = "",
        .run = ownkey_tool_flush,
    },
    {
        .name = "wrap",
        .arguments = "TOKEN [--context NAME=VALUE]... [--in FILE | "
                     "--generate LEN] [--out FILE] [--base64] [--force]",
        .help = "Wraps a key from stdin, or a new one, under a token's KEK",
        .options = "  --context N=V   bind the wrapped key to this as well\n"
                   "  --in FILE       the key (default: standard input)\n"
                   "  --generate LEN  a new random key of LEN bytes\n"
                   "  --out FILE      the wrapped key (default: standard "
                   "output)\n"
                   "  --base64        write base64 (default on a terminal)\n"
                   "  --force         replace an existing FILE\n",
        .run = ownkey_tool_wrap,
    },
    {
        .name = "unwrap",
        .arguments = "TOKEN [--context NAME=VALUE]... [--in FILE] "
                     "[--out FILE] [--base64] [--force] | --inspect "
                     "[--in FILE]",
        .help = "Unwraps a wrapped key to a file or pipe, or shows its header",
        .options = "  --context N=V   as it was wrapped\n"
                   "  --in FILE       the wrapped key, binary or base64\n"
                   "  --out FILE      the key (default: standard output)\n"
                   "  --base64        write base64\n"
                   "  --force         replace an existing FILE\n"
                   "  --inspect       only show what the header says\n",
        .run = ownkey_tool_unwrap,
    },
    {
        .name = "rewrap",
        .arguments = "TOKEN [FILE... --in-place] [--from URI] "
                     "[--no-plaintext] [--context NAME=VALUE]...",
        .help = "Moves wrapped keys to the newest version of the KEK, or to "
                "another",
        .options = "  --in-place      replace the files, each at once\n"
                   "  --from URI      the KEK that wrapped them, if not this "
                   "token's\n"
                   "  --no-plaintext  only inside the service; never open a "
                   "key here\n"
                   "  --context N=V   as they were wrapped\n",
        .run = ownkey_tool_rewrap,
    },
    {
        .name = "key",
        .arguments = "list [TOKEN] | pem TOKEN/NAME | public TOKEN[/NAME] | "
                     "(sign | verify | mac | decrypt | derive) TOKEN/NAME "
                     "[--in FILE] [--out FILE]...",
        .help = "Lists keys, writes key files for OpenSSL, uses remote keys",
        .options = "  list            the keys that are configured\n"
                   "  pem             a file that programs take for a private "
                   "key\n"
                   "  public          the public key, from the KMS service\n"
                   "  sign            --hash H, --raw (it is a digest), --pss, "
                   "--salt LEN\n"
                   "  verify          the same and --signature FILE; also a "
                   "MAC\n"
                   "  mac             of at most 64 KiB\n"
                   "  decrypt         --oaep-hash H, --pkcs1\n"
                   "  derive          --peer FILE, a public key: ECDH\n"
                   "  --in FILE       the input (default: standard input)\n"
                   "  --out FILE      the result (default: standard output)\n"
                   "  --base64        write base64 (default on a terminal)\n"
                   "  --force         replace an existing FILE\n",
        .run = ownkey_tool_key,
    },
    {
        .name = "store",
        .arguments = "list TOKEN | verify TOKEN | rotate TOKEN "
                     "[--compromised] [--reseal] | export TOKEN --out FILE",
        .help = "Shows, checks and copies what programs keep on a token",
        .options = "  list            the objects\n"
                   "  verify          opens each: whether it is as it was "
                   "sealed\n"
                   "  rotate          a new data key seals from now on\n"
                   "  --compromised   the former one is marked so\n"
                   "  --reseal        what is there is sealed anew, too\n"
                   "  export          a copy, sealed, while it is in use\n"
                   "  --out FILE      where to; it must not be there\n",
        .run = ownkey_tool_store,
    },
    {
        .name = "localkms",
        .arguments = "create PATH [--type TYPE] | rotate PATH | disable PATH "
                     "| enable PATH | show PATH",
        .help = "Makes and steers keys in files, for trying things out",
        .options = "  --type TYPE     aes-256 (default), rsa-2048, rsa-3072, "
                   "rsa-4096,\n"
                   "                  ec-p256, ec-p384, ec-p521, "
                   "ec-secp256k1, ed25519,\n"
                   "                  hmac-sha256 (-sha1, -sha224, -sha384, "
                   "-sha512)\n",
        .run = ownkey_tool_localkms,
    },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
print_overview(void)
{
    (void)puts("Usage: ownkey [--config FILE] [--json] COMMAND ...\n\n"
               "Puts programs under a key that stays in its owner's KMS.\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)printf("  %-10s %s\n", commands[i].name, commands[i].help);
    (void)puts("\nownkey COMMAND --help says more; so does ownkey(1).");
}

static const struct ownkey_tool_command *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Options before the command. true: *code is what to return. */
static bool
global_options(struct ownkey_tool *tool, int argc, char **argv,
               enum ownkey_exit *code)
{
    static const struct option list[] = { OWNKEY_TOOL_OPTIONS, { 0 } };
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:h", list, NULL)) != -1) {
        switch (option) {
        case OWNKEY_OPTION_CONFIG:
            tool->config = optarg;
            break;
        case OWNKEY_OPTION_JSON:
            tool->json = true;
            break;
        case OWNKEY_OPTION_HELP:
        case 'h':
            print_overview();
            *code = OWNKEY_EXIT_DONE;
            return true;
        case OWNKEY_OPTION_VERSION:
            (void)printf("ownkey %s\n", PACKAGE_VERSION);
            *code = OWNKEY_EXIT_DONE;
            return true;
        default:
            *code = ownkey_tool_usage(
                tool, option == ':' ? "%s needs a value" : "unknown option %s",
                argv[optind - 1]);
            return true;
        }
    }
    return false;
}

static enum ownkey_exit
run(struct ownkey_tool *tool, int argc, char **argv)
{
    const struct ownkey_tool_command *command;
    enum ownkey_exit code;
    int first;

    if (global_options(tool, argc, argv, &code))
        return code;
    if (optind == argc)
        return ownkey_tool_usage(tool, "a command is missing");
    first = optind;
    command = find_command(argv[first]);
    if (command == NULL)
        return ownkey_tool_usage(tool, "unknown command %s", argv[first]);
    tool->command = command;
    optind = 0; /* start over, with the command in the place of argv[0] */
    code = command->run(tool, argc - first, argv + first);
    ownkey_tokens_close(tool->tokens);
    return code;
}

int
main(int argc, char **argv)
{
    struct ownkey_tool tool = { 0 };
    enum ownkey_exit code = run(&tool, argc, argv);

    /* A result that did not arrive is no success. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "ownkey: standard output: %s\n", strerror(errno));
        return code != OWNKEY_EXIT_DONE ? (int)code : OWNKEY_EXIT_FAILED;
    }
    return (int)code;
}
