# Google Cloud KMS: what is pure.
gcp_help = tests/unit/gcp_help.c tests/unit/gcp_help.h tests/unit/test.h

unit_tests += tests/unit/test_gcp
tests_unit_test_gcp_SOURCES = tests/unit/test_gcp.c $(gcp_help)
tests_unit_test_gcp_CFLAGS = $(test_cflags)
tests_unit_test_gcp_LDADD = $(test_libs)

unit_tests += tests/unit/test_gcp_errors
tests_unit_test_gcp_errors_SOURCES = tests/unit/test_gcp_errors.c \
	tests/unit/test.h
tests_unit_test_gcp_errors_CFLAGS = $(test_cflags)
tests_unit_test_gcp_errors_LDADD = $(test_libs)

unit_tests += tests/unit/test_gcp_tokens
tests_unit_test_gcp_tokens_SOURCES = tests/unit/test_gcp_tokens.c $(gcp_help)
tests_unit_test_gcp_tokens_CFLAGS = $(test_cflags)
tests_unit_test_gcp_tokens_LDADD = $(test_libs)
