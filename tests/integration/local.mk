# One script for each thing a user does; exit 77 skips.
integration_tests =
integration_tests += tests/integration/cloud_awskms.sh
TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests)
