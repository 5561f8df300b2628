/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/init_text.h"

#include <string.h>

const char ownkey_init_services[] =
    "localkms, awskms, azurekms, gcpkms, hashivault and pkcs11";

static const struct ownkey_init_service services[] = {
    { "localkms", NULL,
      "; A token: a key encryption key (KEK) and what is under it. This one is "
      "a\n"
      "; key in a file, level 0: for trying things out, not for real "
      "secrets.\n",
      "",
      "; A key that signs or decrypts where it is; make one with\n"
      ";     ownkey localkms create /PATH/www.key --type ec-p256\n"
      ";[%s/www]\n"
      ";key = localkms:///PATH/www.key\n" },
    { "awskms", "awskms:///alias/NAME",
      "; A token: a key encryption key (KEK) in AWS KMS and what is under it.\n"
      "; Credentials are found as by the AWS command line, unless they are set\n"
      "; here.\n",
      ";aws.region = eu-west-1     ; needed for keys not given by their ARN\n"
      ";aws.profile = NAME         ; of the shared configuration\n"
      ";aws.role_arn = ARN         ; a role to take on, in the key's account\n",
      "; A key that signs or decrypts where it is.\n"
      ";[%s/www]\n"
      ";key = awskms:///alias/NAME  ; or the ARN\n" },
    { "azurekms", "azurekms://VAULT.vault.azure.net/NAME",
      "; A token: a key encryption key (KEK) in Azure Key Vault or a Managed "
      "HSM,\n"
      "; and what is under it. Credentials are found as by Azure's libraries\n"
      "; (environment, workload and managed identity, az login), unless they "
      "are\n"
      "; set here.\n",
      ";azure.tenant_id = ID       ; with client_id and one of client_secret,\n"
      ";azure.client_id = ID       ; client_certificate, "
      "federated_token_file\n",
      "; A key that signs or decrypts where it is.\n"
      ";[%s/www]\n"
      ";key = azurekms://VAULT.vault.azure.net/NAME\n" },
    { "gcpkms",
      "gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/"
      "NAME",
      "; A token: a key encryption key (KEK) in Google Cloud KMS and what is "
      "under\n"
      "; it. Credentials are Application Default Credentials, unless they are "
      "set\n"
      "; here.\n",
      ";gcp.credentials = /PATH/service-account.json\n"
      ";gcp.impersonate = NAME@PROJECT.iam.gserviceaccount.com\n",
      "; A key that signs or decrypts where it is.\n"
      ";[%s/www]\n"
      ";key = gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/"
      "cryptoKeys/NAME/cryptoKeyVersions/1\n" },
    { "hashivault", "hashivault://NAME",
      "; A token: a key encryption key (KEK) in the transit engine of Vault or\n"
      "; OpenBao, and what is under it. Address and token are found as by the\n"
      "; vault command line (VAULT_ADDR, VAULT_TOKEN), unless they are set "
      "here.\n",
      ";vault.address = https://vault.example:8200\n"
      ";vault.mount = transit\n"
      ";vault.auth = approle       ; or kubernetes, jwt, cert, aws\n",
      "; A key that signs or decrypts where it is.\n"
      ";[%s/www]\n"
      ";key = hashivault://NAME\n" },
    { "pkcs11",
      "pkcs11:token=TOKEN;object=NAME;type=secret-key"
      "?module-path=/PATH/module.so",
      "; A token: a key encryption key (KEK) in an HSM (level 3), and what is\n"
      "; under it.\n",
      ";pkcs11.pin_file = /PATH/pin\n",
      "; A key that signs or decrypts where it is.\n"
      ";[%s/www]\n"
      ";key = pkcs11:token=TOKEN;object=NAME;type=private"
      "?module-path=/PATH/module.so\n" },
};

const struct ownkey_init_service *
ownkey_init_service_of(const char *scheme)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcmp(services[i].scheme, scheme) == 0)
            return &services[i];
    return NULL;
}

static bool
write_token(FILE *f, const struct ownkey_init_service *s, const char *token,
            const char *kek)
{
    return fprintf(f,
                   "; ownkey.conf - see ownkey.conf(5)\n"
                   "\n"
                   "[global]\n"
                   "log = syslog, warning       ; or off, stderr, file:/PATH; a "
                   "level after a comma\n"
                   "\n"
                   "%s"
                   "[%s]\n"
                   "kek = %s\n"
                   "%s"
                   "cache = balanced            ; a key taken away works on for "
                   "5m at most\n"
                   ";context.tenant = NAME      ; bound to every key that is "
                   "wrapped\n"
                   "\n",
                   s->intro, token, kek, s->settings) > 0;
}

/* s->remote holds the place of the token's name: "%s" and no other. */
static bool
write_remote(FILE *f, const struct ownkey_init_service *s, const char *token)
{
    const char *place = strstr(s->remote, "%s");

    return fprintf(f,
                   "%.*s%s%s"
                   ";certificate = /PATH/www.pem ; or public_key, which this "
                   "command writes:\n"
                   ";                              ownkey key public %s/www > "
                   "FILE\n",
                   (int)(place - s->remote), s->remote, token, place + 2,
                   token) > 0;
}

bool
ownkey_init_write(FILE *f, const struct ownkey_init_service *service,
                  const char *token, const char *kek)
{
    return write_token(f, service, token, kek) &&
           write_remote(f, service, token);
}
