pkcs11_help = tests/unit/pkcs11_help.c tests/unit/pkcs11_help.h \
	tests/unit/test.h

pkcs11_store_help = tests/unit/pkcs11_store_help.c \
	tests/unit/pkcs11_store_help.h $(pkcs11_help)

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

unit_tests += tests/unit/test_pkcs11_sign
tests_unit_test_pkcs11_sign_SOURCES = \
	tests/unit/test_pkcs11_sign.c $(pkcs11_help)
tests_unit_test_pkcs11_sign_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_sign_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_aes
tests_unit_test_pkcs11_aes_SOURCES = \
	tests/unit/test_pkcs11_aes.c $(pkcs11_help)
tests_unit_test_pkcs11_aes_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_aes_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_wrap
tests_unit_test_pkcs11_wrap_SOURCES = \
	tests/unit/test_pkcs11_wrap.c $(pkcs11_help)
tests_unit_test_pkcs11_wrap_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_wrap_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_threads
tests_unit_test_pkcs11_threads_SOURCES = \
	tests/unit/test_pkcs11_threads.c $(pkcs11_help)
tests_unit_test_pkcs11_threads_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_threads_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_derive
tests_unit_test_pkcs11_derive_SOURCES = \
	tests/unit/test_pkcs11_derive.c $(pkcs11_help)
tests_unit_test_pkcs11_derive_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_derive_LDADD = $(test_libs)

memory_tests += tests/unit/test_pkcs11_memory
tests_unit_test_pkcs11_memory_SOURCES = \
	tests/unit/test_pkcs11_memory.c $(pkcs11_help)
tests_unit_test_pkcs11_memory_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_memory_LDADD = $(test_libs)

unit_tests += tests/unit/test_revocation
tests_unit_test_revocation_SOURCES = tests/unit/test_revocation.c \
	tests/unit/fixture.c tests/unit/fixture.h $(pkcs11_help)
tests_unit_test_revocation_CFLAGS = $(test_cflags)
tests_unit_test_revocation_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_store
tests_unit_test_pkcs11_store_SOURCES = \
	tests/unit/test_pkcs11_store.c $(pkcs11_store_help)
tests_unit_test_pkcs11_store_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_store_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_pairs
tests_unit_test_pkcs11_pairs_SOURCES = \
	tests/unit/test_pkcs11_pairs.c $(pkcs11_store_help)
tests_unit_test_pkcs11_pairs_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_pairs_LDADD = $(test_libs) $(SQLITE_LIBS)

unit_tests += tests/unit/test_pkcs11_create
tests_unit_test_pkcs11_create_SOURCES = \
	tests/unit/test_pkcs11_create.c $(pkcs11_store_help)
tests_unit_test_pkcs11_create_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_create_LDADD = $(test_libs)

memory_tests += tests/unit/test_pkcs11_store_memory
tests_unit_test_pkcs11_store_memory_SOURCES = \
	tests/unit/test_pkcs11_store_memory.c tests/unit/memory_scan.c \
	tests/unit/memory_scan.h $(pkcs11_store_help)
tests_unit_test_pkcs11_store_memory_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_store_memory_LDADD = $(test_libs)

unit_tests += tests/unit/test_pkcs11_crowd
tests_unit_test_pkcs11_crowd_SOURCES = \
	tests/unit/test_pkcs11_crowd.c $(pkcs11_store_help)
tests_unit_test_pkcs11_crowd_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_crowd_LDADD = $(test_libs) $(SQLITE_LIBS)

unit_tests += tests/unit/test_pkcs11_replay
tests_unit_test_pkcs11_replay_SOURCES = \
	tests/unit/test_pkcs11_replay.c $(pkcs11_store_help)
tests_unit_test_pkcs11_replay_CFLAGS = $(test_cflags)
tests_unit_test_pkcs11_replay_LDADD = $(test_libs)
