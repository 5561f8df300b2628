integration_tests += \
	tests/integration/azure_denials.sh \
	tests/integration/azure_pkcs11.sh \
	tests/integration/azure_provider.sh \
	tests/integration/azure_tool.sh
EXTRA_DIST += tests/integration/azure_lib.sh
