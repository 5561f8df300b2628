# Replies of Vault, and its names.
fuzz_targets += tests/fuzz/fuzz_vault_reply
tests_fuzz_fuzz_vault_reply_SOURCES = tests/fuzz/fuzz_vault_reply.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_vault_reply_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"vault_reply"'
tests_fuzz_fuzz_vault_reply_LDADD = libownkey.la
