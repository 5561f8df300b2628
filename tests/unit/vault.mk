# Vault and OpenBao; what needs the service runs against its double.
vault_help = tests/unit/vault_help.c tests/unit/vault_help.h $(awskms_help)

unit_tests += tests/unit/test_hashivault
tests_unit_test_hashivault_SOURCES = tests/unit/test_hashivault.c $(vault_help)
tests_unit_test_hashivault_CFLAGS = $(test_cflags)
tests_unit_test_hashivault_LDADD = $(test_libs)
