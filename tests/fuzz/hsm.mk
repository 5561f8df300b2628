# The URI of a key in an HSM, and its options.
fuzz_targets += tests/fuzz/fuzz_hsm_uri
tests_fuzz_fuzz_hsm_uri_SOURCES = tests/fuzz/fuzz_hsm_uri.c tests/fuzz/replay.c
tests_fuzz_fuzz_hsm_uri_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SEEDS='"hsm_uri"'
tests_fuzz_fuzz_hsm_uri_LDADD = libownkey.la

# What an HSM gives out.
fuzz_targets += tests/fuzz/fuzz_hsm_reply
tests_fuzz_fuzz_hsm_reply_SOURCES = tests/fuzz/fuzz_hsm_reply.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_hsm_reply_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SEEDS='"hsm_reply"'
tests_fuzz_fuzz_hsm_reply_LDADD = libownkey.la
