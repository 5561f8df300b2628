integration_tests += \
	tests/integration/pkcs11_aws.sh \
	tests/integration/pkcs11_derive.sh \
	tests/integration/pkcs11_keystores.sh \
	tests/integration/pkcs11_module.sh \
	tests/integration/pkcs11_programs.sh \
	tests/integration/pkcs11_store.sh \
	tests/integration/pkcs11_tool.sh
EXTRA_DIST += tests/integration/pkcs11_lib.sh
