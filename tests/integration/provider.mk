integration_tests += \
	tests/integration/provider_aws.sh \
	tests/integration/provider_derive.sh \
	tests/integration/provider_nginx.sh \
	tests/integration/provider_openssl.sh \
	tests/integration/provider_tls.sh
EXTRA_DIST += tests/integration/provider_lib.sh
