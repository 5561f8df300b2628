pkcs11_help = tests/unit/pkcs11_help.c tests/unit/pkcs11_help.h \
	tests/unit/test.h

unit_tests += tests/unit/test_pkcs11_parts
tests_unit_test_pkcs11_parts_SOURCES = \
	tests/unit/test_pkcs11_parts.c tests/unit/test.h
tests_unit_test_pkcs11_parts_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_parts_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_module
tests_unit_test_pkcs11_module_SOURCES = \
	tests/unit/test_pkcs11_module.c $(pkcs11_help)
tests_unit_test_pkcs11_module_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_module_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_crypto
tests_unit_test_pkcs11_crypto_SOURCES = \
	tests/unit/test_pkcs11_crypto.c $(pkcs11_help)
tests_unit_test_pkcs11_crypto_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_crypto_LDADD = $(test_libs)

memory_tests += tests/unit/test_pkcs11_memory
tests_unit_test_pkcs11_memory_SOURCES = \
	tests/unit/test_pkcs11_memory.c $(pkcs11_help)
tests_unit_test_pkcs11_memory_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_memory_LDADD = $(test_libs)
