# One script for each thing a user does; exit 77 skips.
integration_tests =
integration_tests += tests/integration/cloud_awskms.sh
integration_tests += tests/integration/cloud_clients.sh
integration_tests += tests/integration/cloud_doubles.sh
integration_tests += tests/integration/cross_aws.sh tests/integration/cross_faces.sh
integration_tests += tests/integration/matrix.sh
integration_tests += tests/integration/moto.sh
integration_tests += tests/integration/openbao.sh
integration_tests += tests/integration/transport.sh
include tests/integration/tool.mk
include tests/integration/provider.mk
include tests/integration/pkcs11.mk
include tests/integration/azure.mk
include tests/integration/gcp.mk
include tests/integration/vault.mk
include tests/integration/hsm.mk
TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests)
EXTRA_DIST += tests/integration/matrix/awskms.sh \
	tests/integration/matrix/azurekms-hsm.sh \
	tests/integration/matrix/azurekms.sh \
	tests/integration/matrix/cells.sh \
	tests/integration/matrix/gcpkms.sh \
	tests/integration/matrix/hashivault.sh \
	tests/integration/matrix/localkms.sh \
	tests/integration/matrix/moto.sh \
	tests/integration/matrix/openbao.sh \
	tests/integration/matrix/peer.sh \
	tests/integration/matrix/pkcs11.sh
