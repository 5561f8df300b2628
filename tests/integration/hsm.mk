integration_tests += \
	tests/integration/hsm_denials.sh \
	tests/integration/hsm_nginx.sh \
	tests/integration/hsm_softhsm.sh
EXTRA_DIST += tests/integration/hsm_lib.sh \
	tests/integration/softhsm_lib.sh
