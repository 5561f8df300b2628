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

# What needs the service runs against its double.
gcpkms_help = tests/unit/gcpkms_help.c tests/unit/gcpkms_help.h \
	$(awskms_help)

unit_tests += tests/unit/test_gcpkms
tests_unit_test_gcpkms_SOURCES = tests/unit/test_gcpkms.c $(gcpkms_help)
tests_unit_test_gcpkms_CFLAGS = $(test_cflags)
tests_unit_test_gcpkms_LDADD = $(test_libs)

unit_tests += tests/unit/test_gcpkms_errors
tests_unit_test_gcpkms_errors_SOURCES = tests/unit/test_gcpkms_errors.c \
	$(gcpkms_help)
tests_unit_test_gcpkms_errors_CFLAGS = $(test_cflags)
tests_unit_test_gcpkms_errors_LDADD = $(test_libs)

unit_tests += tests/unit/test_gcpkms_credentials
tests_unit_test_gcpkms_credentials_SOURCES = \
	tests/unit/test_gcpkms_credentials.c $(gcpkms_help)
tests_unit_test_gcpkms_credentials_CFLAGS = $(test_cflags)
tests_unit_test_gcpkms_credentials_LDADD = $(test_libs)

memory_tests += tests/unit/test_gcpkms_memory
tests_unit_test_gcpkms_memory_SOURCES = tests/unit/test_gcpkms_memory.c \
	$(kms_memory) $(gcpkms_help)
tests_unit_test_gcpkms_memory_CFLAGS = $(test_cflags)
tests_unit_test_gcpkms_memory_LDADD = $(test_libs)
