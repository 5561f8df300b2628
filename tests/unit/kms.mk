
unit_tests += tests/unit/test_localkms_file
tests_unit_test_localkms_file_SOURCES = tests/unit/test_localkms_file.c \
	tests/unit/kms_help.h tests/unit/localkms_help.h tests/unit/test.h
tests_unit_test_localkms_file_CFLAGS = $(test_cflags)
tests_unit_test_localkms_file_LDADD = $(test_libs)

unit_tests += tests/unit/test_localkms
tests_unit_test_localkms_SOURCES = tests/unit/test_localkms.c \
	tests/unit/kms_help.h tests/unit/localkms_help.h tests/unit/test.h
tests_unit_test_localkms_CFLAGS = $(test_cflags)
tests_unit_test_localkms_LDADD = $(test_libs)

unit_tests += tests/unit/test_localkms_keys
tests_unit_test_localkms_keys_SOURCES = tests/unit/test_localkms_keys.c \
	tests/unit/kms_help.h tests/unit/localkms_help.h tests/unit/test.h
tests_unit_test_localkms_keys_CFLAGS = $(test_cflags)
tests_unit_test_localkms_keys_LDADD = $(test_libs)

unit_tests += tests/unit/test_localkms_more
tests_unit_test_localkms_more_SOURCES = tests/unit/test_localkms_more.c \
	tests/unit/kms_help.h tests/unit/localkms_help.h tests/unit/test.h
tests_unit_test_localkms_more_CFLAGS = $(test_cflags)
tests_unit_test_localkms_more_LDADD = $(test_libs)

# The transport and AWS KMS; what needs the service runs against its double.
awskms_help = tests/unit/awskms_help.c tests/unit/awskms_help.h \
	tests/unit/kms_help.h \
	tests/unit/test.h

unit_tests += tests/unit/test_awskms
tests_unit_test_awskms_SOURCES = tests/unit/test_awskms.c $(awskms_help)
tests_unit_test_awskms_CFLAGS = $(test_cflags)
tests_unit_test_awskms_LDADD = $(test_libs)

unit_tests += tests/unit/test_awskms_errors
tests_unit_test_awskms_errors_SOURCES = tests/unit/test_awskms_errors.c \
	$(awskms_help)
tests_unit_test_awskms_errors_CFLAGS = $(test_cflags)
tests_unit_test_awskms_errors_LDADD = $(test_libs)

unit_tests += tests/unit/test_awskms_credentials
tests_unit_test_awskms_credentials_SOURCES = \
	tests/unit/test_awskms_credentials.c $(awskms_help)
tests_unit_test_awskms_credentials_CFLAGS = $(test_cflags)
tests_unit_test_awskms_credentials_LDADD = $(test_libs)

memory_scan = tests/unit/memory_scan.c tests/unit/memory_scan.h
kms_memory = tests/unit/kms_memory.c tests/unit/kms_memory.h $(memory_scan)

memory_tests += tests/unit/test_awskms_memory
tests_unit_test_awskms_memory_SOURCES = tests/unit/test_awskms_memory.c \
	$(kms_memory) $(awskms_help)
tests_unit_test_awskms_memory_CFLAGS = $(test_cflags)
tests_unit_test_awskms_memory_LDADD = $(test_libs)

unit_tests += tests/unit/test_aws
tests_unit_test_aws_SOURCES = tests/unit/test_aws.c tests/unit/test.h
tests_unit_test_aws_CFLAGS = $(test_cflags)
tests_unit_test_aws_LDADD = $(test_libs)

unit_tests += tests/unit/test_http
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/unit/test.h
tests_unit_test_http_CFLAGS = $(test_cflags)
tests_unit_test_http_LDADD = $(test_libs)

unit_tests += tests/unit/test_awskms_threads
tests_unit_test_awskms_threads_SOURCES = tests/unit/test_awskms_threads.c \
	$(awskms_help) tests/unit/sanitizer.h
tests_unit_test_awskms_threads_CFLAGS = $(test_cflags)
tests_unit_test_awskms_threads_LDADD = $(test_libs)

unit_tests += tests/unit/test_awskms_endpoint
tests_unit_test_awskms_endpoint_SOURCES = tests/unit/test_awskms_endpoint.c \
	$(awskms_help)
tests_unit_test_awskms_endpoint_CFLAGS = $(test_cflags)
tests_unit_test_awskms_endpoint_LDADD = $(test_libs)

unit_tests += tests/unit/test_credential
tests_unit_test_credential_SOURCES = tests/unit/test_credential.c \
	tests/unit/test.h
tests_unit_test_credential_CFLAGS = $(test_cflags)
tests_unit_test_credential_LDADD = $(test_libs)

unit_tests += tests/unit/test_retry
tests_unit_test_retry_SOURCES = tests/unit/test_retry.c tests/unit/test.h
tests_unit_test_retry_CFLAGS = $(test_cflags)
tests_unit_test_retry_LDADD = $(test_libs)

unit_tests += tests/unit/test_awskms_mac
tests_unit_test_awskms_mac_SOURCES = tests/unit/test_awskms_mac.c \
	$(awskms_help)
tests_unit_test_awskms_mac_CFLAGS = $(test_cflags)
tests_unit_test_awskms_mac_LDADD = $(test_libs)

unit_tests += tests/unit/test_awskms_replicas
tests_unit_test_awskms_replicas_SOURCES = tests/unit/test_awskms_replicas.c \
	$(awskms_help)
tests_unit_test_awskms_replicas_CFLAGS = $(test_cflags)
tests_unit_test_awskms_replicas_LDADD = $(test_libs)

# Azure Key Vault.
unit_tests += tests/unit/test_azure
tests_unit_test_azure_SOURCES = tests/unit/test_azure.c tests/unit/test.h
tests_unit_test_azure_CFLAGS = $(test_cflags)
tests_unit_test_azure_LDADD = $(test_libs)

unit_tests += tests/unit/test_azure_reply
tests_unit_test_azure_reply_SOURCES = tests/unit/test_azure_reply.c \
	tests/unit/test.h
tests_unit_test_azure_reply_CFLAGS = $(test_cflags)
tests_unit_test_azure_reply_LDADD = $(test_libs)

unit_tests += tests/unit/test_azure_login
tests_unit_test_azure_login_SOURCES = tests/unit/test_azure_login.c \
	tests/unit/test.h
tests_unit_test_azure_login_CFLAGS = $(test_cflags)
tests_unit_test_azure_login_LDADD = $(test_libs)

# The ways to AWS credentials: what is pure of them.
unit_tests += tests/unit/test_aws_chain
tests_unit_test_aws_chain_SOURCES = tests/unit/test_aws_chain.c $(awskms_help)
tests_unit_test_aws_chain_CFLAGS = $(test_cflags)
tests_unit_test_aws_chain_LDADD = $(test_libs)

unit_tests += tests/unit/test_aws_documents
tests_unit_test_aws_documents_SOURCES = tests/unit/test_aws_documents.c \
	tests/unit/test.h
tests_unit_test_aws_documents_CFLAGS = $(test_cflags)
tests_unit_test_aws_documents_LDADD = $(test_libs)

unit_tests += tests/unit/test_aws_places
tests_unit_test_aws_places_SOURCES = tests/unit/test_aws_places.c \
	tests/unit/test.h
tests_unit_test_aws_places_CFLAGS = $(test_cflags)
tests_unit_test_aws_places_LDADD = $(test_libs)

# Every source of AWS credentials, against the double.
aws_sources_help = tests/unit/aws_sources_help.c \
	tests/unit/aws_sources_help.h $(awskms_help)

unit_tests += tests/unit/test_aws_sources
tests_unit_test_aws_sources_SOURCES = tests/unit/test_aws_sources.c \
	$(aws_sources_help)
tests_unit_test_aws_sources_CFLAGS = $(test_cflags)
tests_unit_test_aws_sources_LDADD = $(test_libs)

unit_tests += tests/unit/test_aws_trouble
tests_unit_test_aws_trouble_SOURCES = tests/unit/test_aws_trouble.c \
	$(aws_sources_help)
tests_unit_test_aws_trouble_CFLAGS = $(test_cflags)
tests_unit_test_aws_trouble_LDADD = $(test_libs)

azurekms_help = tests/unit/azurekms_help.c tests/unit/azurekms_help.h \
	tests/unit/test.h

unit_tests += tests/unit/test_azurekms
tests_unit_test_azurekms_SOURCES = tests/unit/test_azurekms.c $(azurekms_help)
tests_unit_test_azurekms_CFLAGS = $(test_cflags)
tests_unit_test_azurekms_LDADD = $(test_libs)

unit_tests += tests/unit/test_azurekms_credentials
tests_unit_test_azurekms_credentials_SOURCES = \
	tests/unit/test_azurekms_credentials.c $(azurekms_help)
tests_unit_test_azurekms_credentials_CFLAGS = $(test_cflags)
tests_unit_test_azurekms_credentials_LDADD = $(test_libs)

memory_tests += tests/unit/test_azurekms_memory
tests_unit_test_azurekms_memory_SOURCES = tests/unit/test_azurekms_memory.c \
	$(kms_memory) $(azurekms_help)
tests_unit_test_azurekms_memory_CFLAGS = $(test_cflags)
tests_unit_test_azurekms_memory_LDADD = $(test_libs)
