/* SPDX-License-Identifier: Apache-2.0 */
/* All that the tool knows about particular services is in these tables. */
#include "tool/hint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* Permissions by service, in the order of enum ownkey_try. */
static const struct permission {
    const char *service;
    const char *how;      /* it is given */
    const char *codes[5]; /* that say it is missing; none: any denial does */
    const char *names[OWNKEY_TRY_DERIVE + 1];
} permissions[] = {
    { "awskms",
      "to the role in use, in the key policy or by a grant",
      { "AccessDeniedException", "" },
      { "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt",
        "kms:GetPublicKey", "kms:Sign", "kms:Decrypt", "kms:GenerateMac",
        "kms:DeriveSharedSecret" } },
    { "azurekms",
      "to the application or identity in use, by a role (Key Vault Crypto "
      "Service Encryption User, Crypto User) or in the vault's access policy; "
      "in a Managed HSM by a local role",
      { "ForbiddenByPolicy", "ForbiddenByRbac", "AccessDenied", "Forbidden" },
      { "get", "wrapKey", "wrapKey", "unwrapKey", "get", "sign", "decrypt",
        NULL, NULL } },
    { "gcpkms",
      "to the account in use: gcloud kms keys add-iam-policy-binding",
      { "IAM_PERMISSION_DENIED", "PERMISSION_DENIED" },
      { "cloudkms.cryptoKeys.get, cloudkms.cryptoKeyVersions.get",
        "cloudkms.cryptoKeyVersions.useToEncrypt (of an RSA key "
        "viewPublicKey)",
        "cloudkms.cryptoKeyVersions.useToEncrypt (of an RSA key "
        "viewPublicKey)",
        "cloudkms.cryptoKeyVersions.useToDecrypt",
        "cloudkms.cryptoKeyVersions.viewPublicKey",
        "cloudkms.cryptoKeyVersions.useToSign",
        "cloudkms.cryptoKeyVersions.useToDecrypt",
        "cloudkms.cryptoKeyVersions.useToSign", NULL } },
    { "hashivault",
      "in a policy of the token in use",
      { NULL },
      { "\"read\" (path MOUNT/keys/KEY)",
        "\"update\" (path MOUNT/encrypt/KEY) and \"read\" (path "
        "MOUNT/keys/KEY)",
        "\"update\" (path MOUNT/encrypt/KEY) and \"read\" (path "
        "MOUNT/keys/KEY)",
        "\"update\" (path MOUNT/decrypt/KEY)", "\"read\" (path MOUNT/keys/KEY)",
        "\"update\" (path MOUNT/sign/KEY)", "\"update\" (path MOUNT/decrypt/KEY)",
        "\"update\" (path MOUNT/hmac/KEY/HASH)", NULL } },
};

/* What to do; service NULL: whatever the service. The first that fits. */
static const struct {
    const char *service;
    enum ownkey_status status;
    const char *text;
} advice[] = {
    { "awskms", OWNKEY_DENIED,
      "have the owner of the role that the text names let us take it on: its "
      "trust policy, its external id (aws.external_id), and sts:AssumeRole "
      "for the identity of this host" },
    { "awskms", OWNKEY_DISABLED,
      "whoever owns the key enables it: aws kms enable-key --key-id KEY" },
    { "awskms", OWNKEY_PENDING_DELETION,
      "whoever owns the key can still stop that: aws kms cancel-key-deletion "
      "--key-id KEY, then enable-key" },
    { "awskms", OWNKEY_GONE,
      "compare the URI with `aws kms list-keys` and `list-aliases`, also its "
      "region and account" },
    { "awskms", OWNKEY_CREDENTIALS,
      "see whether `aws sts get-caller-identity` works for this user; else set "
      "AWS_PROFILE, AWS_ACCESS_KEY_ID or the aws.* settings, and the clock" },
    { "awskms", OWNKEY_UNREACHABLE,
      "see whether this host reaches the endpoint of that region (port 443, "
      "proxy, VPC endpoint, name service)" },
    { "awskms", OWNKEY_THROTTLED,
      "wait, or have the request quota of that account and region raised" },
    { "azurekms", OWNKEY_DENIED,
      "have the owner of the vault, or the administrator of its tenant, allow "
      "what the text names: network, key_ops or application" },
    { "azurekms", OWNKEY_DISABLED,
      "whoever owns the key enables it: az keyvault key set-attributes "
      "--enabled true (also --expires, --not-before)" },
    { "azurekms", OWNKEY_PENDING_DELETION,
      "whoever owns the key can still have it back: az keyvault key recover" },
    { "azurekms", OWNKEY_GONE,
      "compare the URI with `az keyvault key list`, also its version and "
      "vault" },
    { "azurekms", OWNKEY_CREDENTIALS,
      "correct what the text names: the azure.* settings, AZURE_* variables, "
      "the managed identity, `az login`, or the clock" },
    { "azurekms", OWNKEY_UNREACHABLE,
      "see whether this host reaches the vault and the login host (port 443, "
      "proxy, private endpoint, name service), and the vault's name" },
    { "azurekms", OWNKEY_THROTTLED,
      "wait, raise the cache time, or spread keys over several vaults" },
    { "gcpkms", OWNKEY_DENIED,
      "have the owner of the key, or of its project, allow what the text "
      "names: the API (gcloud services enable cloudkms.googleapis.com), "
      "billing, a perimeter, the external key manager" },
    { "gcpkms", OWNKEY_DISABLED,
      "whoever owns the key enables it: gcloud kms keys versions enable" },
    { "gcpkms", OWNKEY_PENDING_DELETION,
      "whoever owns the key can still stop that: gcloud kms keys versions "
      "restore, then enable" },
    { "gcpkms", OWNKEY_GONE,
      "compare the URI with `gcloud kms keys list` and `keys versions list`, "
      "also its location" },
    { "gcpkms", OWNKEY_CREDENTIALS,
      "see whether `gcloud auth application-default print-access-token` works "
      "for this user; else set gcp.credentials, and the clock" },
    { "gcpkms", OWNKEY_UNREACHABLE,
      "see whether this host reaches cloudkms.googleapis.com or gcp.endpoint "
      "(port 443, proxy, name service)" },
    { "gcpkms", OWNKEY_THROTTLED,
      "wait, or have the quota of that project raised" },
    { "hashivault", OWNKEY_DISABLED,
      "whoever owns the key lowers min_decryption_version or "
      "min_encryption_version, restores it, or vault.key_version names "
      "another version" },
    { "hashivault", OWNKEY_GONE,
      "compare the URI with `vault list MOUNT/keys`, also vault.mount and "
      "vault.namespace" },
    { "hashivault", OWNKEY_CREDENTIALS,
      "correct what the text names: VAULT_TOKEN, the vault.* settings; see "
      "whether `vault token lookup` works for this user" },
    { "hashivault", OWNKEY_UNREACHABLE,
      "see whether `vault status` works on this host: address, CA, unsealed, "
      "an active node" },
    { "hashivault", OWNKEY_THROTTLED,
      "wait, raise the rate limit quota of that path, or the cache time" },
    { "localkms", OWNKEY_DISABLED, "ownkey localkms enable FILE" },
    { "localkms", OWNKEY_GONE,
      "restore the key file; a new one (ownkey localkms create FILE) opens "
      "nothing that the old one wrapped" },
    { "localkms", OWNKEY_CREDENTIALS,
      "let the user who runs this read the key file" },
    { "localkms", OWNKEY_PROTOCOL, "restore the key file from a copy" },
    { "pkcs11", OWNKEY_DENIED,
      "have the owner of the HSM allow it: the key's CKA_DECRYPT, "
      "CKA_UNWRAP, CKA_SIGN or the policy of the HSM" },
    { "pkcs11", OWNKEY_GONE,
      "compare the URI with `pkcs11-tool --module MODULE --login -O`" },
    { "pkcs11", OWNKEY_CREDENTIALS,
      "correct the PIN that pin-source, pkcs11.pin_file or pkcs11.pin_env "
      "names; a wrong one is tried once, since tokens lock" },
    { "pkcs11", OWNKEY_UNREACHABLE,
      "see whether `pkcs11-tool --module MODULE -L` shows the token for this "
      "user; else start the HSM or its client software" },
    { "pkcs11", OWNKEY_THROTTLED,
      "lower pkcs11.sessions, or end other programs that use the token" },
    { NULL, OWNKEY_DENIED, "have the owner of the key allow it again" },
    { NULL, OWNKEY_DISABLED, "have the owner of the key enable it" },
    { NULL, OWNKEY_PENDING_DELETION,
      "have the owner of the key stop its deletion" },
    { NULL, OWNKEY_GONE, "correct the URI of the key" },
    { NULL, OWNKEY_UNREACHABLE,
      "see whether this host reaches the service (network, proxy, name "
      "service)" },
    { NULL, OWNKEY_THROTTLED, "wait a little" },
    { NULL, OWNKEY_CREDENTIALS, "correct the credentials for the service" },
    { NULL, OWNKEY_CONFIG,
      "correct that line, its section or what the text names; "
      "ownkey.conf(5) has all settings" },
    { NULL, OWNKEY_PROTOCOL,
      "see what answers in the service's place (a proxy, another version)" },
    { NULL, OWNKEY_NOMEM, "raise secure_memory in [global]" },
};

static bool
says_missing(const struct permission *p, const char *code)
{
    for (size_t i = 0; i < sizeof(p->codes) / sizeof(p->codes[0]); i++)
        if (p->codes[i] != NULL && strcmp(p->codes[i], code) == 0)
            return true;
    return p->codes[0] == NULL;
}

/* NULL: it is not a permission that is missing, or not known which. */
static const struct permission *
find_permission(const char *service, enum ownkey_try what,
                const struct ownkey_error *err)
{
    for (size_t i = 0; i < sizeof(permissions) / sizeof(permissions[0]); i++)
        if (strcmp(permissions[i].service, service) == 0 &&
            permissions[i].names[what] != NULL &&
            says_missing(&permissions[i], err->code))
            return &permissions[i];
    return NULL;
}

const char *
ownkey_hint(const char *service, const char *uri, enum ownkey_try what,
            const struct ownkey_error *err, char *buf, size_t size)
{
    const struct permission *p = find_permission(service, what, err);
    char date[21];

    buf[0] = '\0';
    if (err->status == OWNKEY_DENIED && p != NULL) {
        (void)snprintf(buf, size, "allow %s on this key %s", p->names[what],
                       p->how);
        return buf;
    }
    for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
        if (advice[i].status != err->status ||
            (advice[i].service != NULL &&
             strcmp(advice[i].service, service) != 0))
            continue;
        (void)snprintf(buf, size, "%s", advice[i].text);
        break;
    }
    if (err->status == OWNKEY_PENDING_DELETION && err->deletion_s != 0)
        (void)snprintf(buf + strlen(buf), size - strlen(buf),
                       "; it is gone after %s",
                       ownkey_time_iso(err->deletion_s, date));
    if (strcmp(service, "localkms") == 0 && err->status == OWNKEY_DISABLED)
        (void)snprintf(buf, size, "ownkey localkms enable %s",
                       uri + strlen("localkms://"));
    return buf;
}
