# One script for each thing a user does; exit 77 skips.
integration_tests =
TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests)
