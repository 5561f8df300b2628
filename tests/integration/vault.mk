integration_tests += \
	tests/integration/vault_credentials.sh \
	tests/integration/vault_denials.sh \
	tests/integration/vault_faces.sh \
	tests/integration/vault_tool.sh
EXTRA_DIST += tests/integration/vault_lib.sh
