# Vault and OpenBao; what needs the service runs against its double.
vault_help = tests/unit/vault_help.c tests/unit/vault_help.h $(awskms_help)

unit_tests += tests/unit/test_hashivault
tests_unit_test_hashivault_SOURCES = tests/unit/test_hashivault.c $(vault_help)
tests_unit_test_hashivault_CFLAGS = $(test_cflags)
tests_unit_test_hashivault_LDADD = $(test_libs)

unit_tests += tests/unit/test_vault
tests_unit_test_vault_SOURCES = tests/unit/test_vault.c $(vault_help)
tests_unit_test_vault_CFLAGS = $(test_cflags)
tests_unit_test_vault_LDADD = $(test_libs)

unit_tests += tests/unit/test_vault_errors
tests_unit_test_vault_errors_SOURCES = tests/unit/test_vault_errors.c \
	tests/unit/test.h
tests_unit_test_vault_errors_CFLAGS = $(test_cflags)
tests_unit_test_vault_errors_LDADD = $(test_libs)

unit_tests += tests/unit/test_hashivault_auth
tests_unit_test_hashivault_auth_SOURCES = tests/unit/test_hashivault_auth.c \
	$(vault_help)
tests_unit_test_hashivault_auth_CFLAGS = $(test_cflags)
tests_unit_test_hashivault_auth_LDADD = $(test_libs)

unit_tests += tests/unit/test_hashivault_threads
tests_unit_test_hashivault_threads_SOURCES = \
	tests/unit/test_hashivault_threads.c $(vault_help)
tests_unit_test_hashivault_threads_CFLAGS = $(test_cflags)
tests_unit_test_hashivault_threads_LDADD = $(test_libs)

unit_tests += tests/unit/test_hashivault_keys
tests_unit_test_hashivault_keys_SOURCES = tests/unit/test_hashivault_keys.c \
	$(vault_help)
tests_unit_test_hashivault_keys_CFLAGS = $(test_cflags)
tests_unit_test_hashivault_keys_LDADD = $(test_libs)

memory_tests += tests/unit/test_hashivault_memory
tests_unit_test_hashivault_memory_SOURCES = \
	tests/unit/test_hashivault_memory.c $(kms_memory) $(vault_help)
tests_unit_test_hashivault_memory_CFLAGS = $(test_cflags)
tests_unit_test_hashivault_memory_LDADD = $(test_libs)

unit_tests += tests/unit/test_vault_reply
tests_unit_test_vault_reply_SOURCES = tests/unit/test_vault_reply.c \
	tests/unit/gcp_help.c tests/unit/gcp_help.h tests/unit/test.h
tests_unit_test_vault_reply_CFLAGS = $(test_cflags)
tests_unit_test_vault_reply_LDADD = $(test_libs)

unit_tests += tests/unit/test_refresh_many
tests_unit_test_refresh_many_SOURCES = tests/unit/test_refresh_many.c \
	tests/unit/fixture.c tests/unit/fixture.h $(vault_help)
tests_unit_test_refresh_many_CFLAGS = $(test_cflags)
tests_unit_test_refresh_many_LDADD = $(test_libs)
