/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_service.h"

#include "kms/aws_endpoint.h"

static const struct {
    const char *name;
    const char *host; /* the first part of its host name */
    enum ownkey_aws_variable variable;
    enum ownkey_aws_setting setting;
} services[] = {
    [OWNKEY_AWS_SERVICE_KMS] = { "AWS KMS", "kms",
                                 OWNKEY_AWS_VAR_KMS_ENDPOINT_URL,
                                 OWNKEY_AWS_KMS_ENDPOINT_URL },
    [OWNKEY_AWS_SERVICE_STS] = { "AWS STS", "sts",
                                 OWNKEY_AWS_VAR_STS_ENDPOINT_URL,
                                 OWNKEY_AWS_STS_ENDPOINT_URL },
    [OWNKEY_AWS_SERVICE_SSO] = { "AWS SSO", "portal.sso",
                                 OWNKEY_AWS_VAR_SSO_ENDPOINT_URL,
                                 OWNKEY_AWS_SSO_ENDPOINT_URL },
    [OWNKEY_AWS_SERVICE_OIDC] = { "AWS SSO", "oidc",
                                  OWNKEY_AWS_VAR_OIDC_ENDPOINT_URL,
                                  OWNKEY_AWS_OIDC_ENDPOINT_URL },
};

const char *
ownkey_aws_service_name(enum ownkey_aws_service service)
{
    return services[service].name;
}

const char *
ownkey_aws_service_custom(const struct ownkey_aws_host *host,
                          const struct ownkey_aws_profile *profile,
                          enum ownkey_aws_service service)
{
    const char *places[] = {
        host->variables[services[service].variable],
        host->variables[OWNKEY_AWS_VAR_ENDPOINT_URL],
        profile->settings[services[service].setting],
        profile->settings[OWNKEY_AWS_ENDPOINT_URL],
    };

    if (ownkey_aws_variable_is_true(host,
                                    OWNKEY_AWS_VAR_IGNORE_ENDPOINT_URLS))
        return NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (i == 2 && ownkey_aws_setting_is_true(
                          profile, OWNKEY_AWS_IGNORE_ENDPOINT_URLS))
            return NULL;
        if (places[i] != NULL)
            return places[i];
    }
    return NULL;
}

/* The environment goes before the profile. */
static bool
is_true(const struct ownkey_aws_host *host,
        const struct ownkey_aws_profile *profile,
        enum ownkey_aws_variable variable, enum ownkey_aws_setting setting)
{
    return host->variables[variable] != NULL
               ? ownkey_aws_variable_is_true(host, variable)
               : ownkey_aws_setting_is_true(profile, setting);
}

void
ownkey_aws_service_usual(const struct ownkey_aws_host *host,
                         const struct ownkey_aws_profile *profile,
                         enum ownkey_aws_service service, const char *region,
                         char *url, size_t size)
{
    /* The portal and OIDC have no such hosts. */
    bool has_both = service == OWNKEY_AWS_SERVICE_KMS ||
                    service == OWNKEY_AWS_SERVICE_STS;
    bool fips = has_both && is_true(host, profile, OWNKEY_AWS_VAR_USE_FIPS,
                                    OWNKEY_AWS_USE_FIPS);
    bool dual_stack = has_both &&
                      is_true(host, profile, OWNKEY_AWS_VAR_USE_DUALSTACK,
                              OWNKEY_AWS_USE_DUALSTACK);

    ownkey_aws_service_url(services[service].host, region, fips, dual_stack,
                           url, size);
}
