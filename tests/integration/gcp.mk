integration_tests += \
	tests/integration/gcp_pkcs11.sh \
	tests/integration/gcp_provider.sh \
	tests/integration/gcp_tool.sh
EXTRA_DIST += tests/integration/gcp_lib.sh
