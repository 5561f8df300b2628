unit_tests += tests/unit/test_provider_keyfile
tests_unit_test_provider_keyfile_SOURCES = \
	tests/unit/test_provider_keyfile.c tests/unit/test.h
tests_unit_test_provider_keyfile_CFLAGS = $(test_cflags)
tests_unit_test_provider_keyfile_LDADD = $(test_libs)

check_PROGRAMS += tests/integration/provider_helper
tests_integration_provider_helper_SOURCES = \
	tests/integration/provider_helper.c
tests_integration_provider_helper_LDADD = libownkey.la
