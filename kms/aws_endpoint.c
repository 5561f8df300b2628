/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_endpoint.h"

#include <stdio.h>
#include <string.h>

#include "kms/kms.h"

/* ---- regions ----------------------------------------------------------- */

/* By the region's start; what is not listed is in partition "aws". */
static const struct partition {
    const char *prefix;
    const char *suffix;
    const char *dual_stack;
} partitions[] = {
    { "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
    { "us-gov-", "amazonaws.com", "api.aws" },
    { "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
    { "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
    { "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
    { "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
    { "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
    { "", "amazonaws.com", "api.aws" }, /* the last one */
};

bool
ownkey_aws_region_valid(const char *region)
{
    size_t n = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n < OWNKEY_AWS_REGION_MAX && region[n] == '\0';
}

static const struct partition *
partition_of(const char *region)
{
    const struct partition *p = partitions;

    while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
        p++;
    return p;
}

bool
ownkey_aws_same_partition(const char *region, const char *other)
{
    return partition_of(region) == partition_of(other);
}

void
ownkey_aws_service_url(const char *service, const char *region, bool fips,
                       bool dual_stack, char *url, size_t size)
{
    const struct partition *p = partition_of(region);

    /* STS in GovCloud is under FIPS 140 by its usual name. */
    if (strcmp(service, "sts") == 0 && strcmp(p->prefix, "us-gov-") == 0 &&
        !dual_stack)
        fips = false;
    (void)snprintf(url, size, "https://%s%s.%s.%s", service,
                   fips ? "-fips" : "", region,
                   dual_stack ? p->dual_stack : p->suffix);
}

/* ---- identifiers ------------------------------------------------------- */

static bool
is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') ||
              (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool
is_key_id(const char *text)
{
    if (strncmp(text, "mrk-", 4) == 0)
        return strlen(text) == 36 && is_hex(text + 4, 32);
    return strlen(text) == 36 && is_hex(text, 8) && text[8] == '-' &&
           is_hex(text + 9, 4) && text[13] == '-' && is_hex(text + 14, 4) &&
           text[18] == '-' && is_hex(text + 19, 4) && text[23] == '-' &&
           is_hex(text + 24, 12);
}

static bool
is_alias(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_-";
    size_t n;

    if (strncmp(text, "alias/", 6) != 0)
        return false;
    n = strspn(text + 6, allowed);
    return n > 0 && n <= 250 && text[6 + n] == '\0';
}

/* The part up to the next ':'; false: there is none. */
static bool
take_part(const char **text, const char **part, size_t *len)
{
    const char *colon = strchr(*text, ':');

    if (colon == NULL || colon == *text)
        return false;
    *part = *text;
    *len = (size_t)(colon - *text);
    *text = colon + 1;
    return true;
}

static bool
parse_arn(const char *text, struct ownkey_aws_id *id)
{
    const char *service;
    size_t service_len;

    if (strlen(text) >= OWNKEY_KMS_ID_MAX || strncmp(text, "arn:", 4) != 0)
        return false;
    text += 4;
    if (!take_part(&text, &id->partition, &id->partition_len) ||
        !take_part(&text, &service, &service_len) ||
        !take_part(&text, &id->region, &id->region_len) ||
        !take_part(&text, &id->account, &id->account_len))
        return false;
    if (service_len != 3 || memcmp(service, "kms", 3) != 0 ||
        id->region_len >= OWNKEY_AWS_REGION_MAX)
        return false;
    if (strncmp(text, "key/", 4) == 0 && is_key_id(text + 4)) {
        id->form = OWNKEY_AWS_KEY_ARN;
        id->name = text + 4;
        return true;
    }
    id->form = OWNKEY_AWS_ALIAS_ARN;
    id->name = text;
    return is_alias(text);
}

bool
ownkey_aws_id_parse(const char *text, struct ownkey_aws_id *id)
{
    *id = (struct ownkey_aws_id){ .name = text };
    if (is_key_id(text)) {
        id->form = OWNKEY_AWS_KEY_ID;
        return true;
    }
    if (is_alias(text)) {
        id->form = OWNKEY_AWS_ALIAS;
        return true;
    }
    return parse_arn(text, id);
}

static bool
same_part(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

bool
ownkey_aws_id_matches(const char *asked, const char *arn)
{
    struct ownkey_aws_id a, r;
    bool same_account;

    if (!ownkey_aws_id_parse(asked, &a) || !ownkey_aws_id_parse(arn, &r) ||
        r.form != OWNKEY_AWS_KEY_ARN)
        return false;
    if (a.form == OWNKEY_AWS_ALIAS)
        return true;
    if (a.form == OWNKEY_AWS_KEY_ID)
        return strcmp(a.name, r.name) == 0;
    same_account =
        same_part(a.partition, a.partition_len, r.partition,
                  r.partition_len) &&
        same_part(a.account, a.account_len, r.account, r.account_len);
    if (a.form == OWNKEY_AWS_ALIAS_ARN)
        return same_account;
    return same_account && strcmp(a.name, r.name) == 0 &&
           (strncmp(a.name, "mrk-", 4) == 0 ||
            same_part(a.region, a.region_len, r.region, r.region_len));
}

/* ---- URIs -------------------------------------------------------------- */

enum ownkey_status
ownkey_aws_uri_parse(const char *uri, struct ownkey_aws_uri *parsed,
                     struct ownkey_error *err)
{
    static const char scheme[] = "awskms://";
    const char *rest = uri + sizeof(scheme) - 1;
    struct ownkey_aws_uri u = { 0 };
    struct ownkey_aws_id id;
    const char *slash;

    if (strncmp(uri, "awskms://arn:", sizeof("awskms://arn:") - 1) == 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": an ARN comes after three slashes, "
                           "awskms:///arn:...", uri);
    if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0 ||
        (slash = strchr(rest, '/')) == NULL ||
        (size_t)(slash - rest) >= sizeof(u.host))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" is not awskms:///KEY or "
                           "awskms://HOST[:PORT]/KEY", uri);
    memcpy(u.host, rest, (size_t)(slash - rest));
    u.id = slash + 1;
    if (!ownkey_aws_id_parse(u.id, &id))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": KEY is a key ARN, a key ID, "
                           "alias/NAME or an alias ARN", uri);
    if (id.region_len > 0) {
        char region[OWNKEY_AWS_REGION_MAX];

        memcpy(region, id.region, id.region_len);
        region[id.region_len] = '\0';
        if (!ownkey_aws_region_valid(region))
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "\"%.200s\": the ARN's region is malformed",
                               uri);
    }
    *parsed = u;
    return OWNKEY_OK;
}
