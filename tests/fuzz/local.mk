# Fuzz targets: LLVMFuzzerTestOneInput in fuzz_NAME.c, and a folder of seeds.
# `make check` replays the seeds. A new target adds a block like the first one
# below and its seeds; nothing else is needed.
#
# To fuzz for real (clang; SEEDS grows, so give it a copy):
#   ../configure CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' \
#       --enable-sanitizers=address,undefined && make
#   clang -I.. -fsanitize=fuzzer,address,undefined \
#       ../tests/fuzz/fuzz_NAME.c .libs/libownkey.a -lcrypto ... -o fuzz_NAME
#   ./fuzz_NAME SEEDS
fuzz_targets =
EXTRA_DIST += tests/fuzz/seeds

include tests/fuzz/hsm.mk
include tests/fuzz/vault.mk

# The text of a localkms key file.
fuzz_targets += tests/fuzz/fuzz_localkms_file
tests_fuzz_fuzz_localkms_file_SOURCES = tests/fuzz/fuzz_localkms_file.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_localkms_file_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"localkms"'
tests_fuzz_fuzz_localkms_file_LDADD = libownkey.la

# The attributes of a sealed object.
fuzz_targets += tests/fuzz/fuzz_attributes
tests_fuzz_fuzz_attributes_SOURCES = tests/fuzz/fuzz_attributes.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_attributes_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"attributes"'
tests_fuzz_fuzz_attributes_LDADD = libownkey.la

# The text of ownkey.conf.
fuzz_targets += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/fuzz/replay.c
tests_fuzz_fuzz_conf_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SEEDS='"conf"'
tests_fuzz_fuzz_conf_LDADD = libownkey.la

# Replies of AWS KMS.
fuzz_targets += tests/fuzz/fuzz_aws_reply
tests_fuzz_fuzz_aws_reply_SOURCES = tests/fuzz/fuzz_aws_reply.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_aws_reply_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"aws_reply"'
tests_fuzz_fuzz_aws_reply_LDADD = libownkey.la

# The signer of AWS requests.
fuzz_targets += tests/fuzz/fuzz_aws_sigv4
tests_fuzz_fuzz_aws_sigv4_SOURCES = tests/fuzz/fuzz_aws_sigv4.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_aws_sigv4_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"aws_sigv4"'
tests_fuzz_fuzz_aws_sigv4_LDADD = libownkey.la

# The files of AWS's own tools.
fuzz_targets += tests/fuzz/fuzz_aws_profile
tests_fuzz_fuzz_aws_profile_SOURCES = tests/fuzz/fuzz_aws_profile.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_aws_profile_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"aws_profile"'
tests_fuzz_fuzz_aws_profile_LDADD = libownkey.la

# What AWS's sources of credentials give.
fuzz_targets += tests/fuzz/fuzz_aws_documents
tests_fuzz_fuzz_aws_documents_SOURCES = tests/fuzz/fuzz_aws_documents.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_aws_documents_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"aws_documents"'
tests_fuzz_fuzz_aws_documents_LDADD = libownkey.la

# A key file that names a key.
fuzz_targets += tests/fuzz/fuzz_keyfile
tests_fuzz_fuzz_keyfile_SOURCES = tests/fuzz/fuzz_keyfile.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_keyfile_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SEEDS='"keyfile"'
tests_fuzz_fuzz_keyfile_LDADD = libownkey.la

# A wrapped key.
fuzz_targets += tests/fuzz/fuzz_wrapped
tests_fuzz_fuzz_wrapped_SOURCES = tests/fuzz/fuzz_wrapped.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_wrapped_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SEEDS='"wrapped"'
tests_fuzz_fuzz_wrapped_LDADD = libownkey.la

# Replies of Azure Key Vault; challenges, token replies and their refusals.
fuzz_targets += tests/fuzz/fuzz_azure_reply
tests_fuzz_fuzz_azure_reply_SOURCES = tests/fuzz/fuzz_azure_reply.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_azure_reply_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"azure_reply"'
tests_fuzz_fuzz_azure_reply_LDADD = libownkey.la

fuzz_targets += tests/fuzz/fuzz_azure_login
tests_fuzz_fuzz_azure_login_SOURCES = tests/fuzz/fuzz_azure_login.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_azure_login_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"azure_login"'
tests_fuzz_fuzz_azure_login_LDADD = libownkey.la
# Replies of Google Cloud KMS.
fuzz_targets += tests/fuzz/fuzz_gcp_reply
tests_fuzz_fuzz_gcp_reply_SOURCES = tests/fuzz/fuzz_gcp_reply.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_gcp_reply_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"gcp_reply"'
tests_fuzz_fuzz_gcp_reply_LDADD = libownkey.la

# Google's credentials files.
fuzz_targets += tests/fuzz/fuzz_gcp_credfile
tests_fuzz_fuzz_gcp_credfile_SOURCES = tests/fuzz/fuzz_gcp_credfile.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_gcp_credfile_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"gcp_credfile"'
tests_fuzz_fuzz_gcp_credfile_LDADD = libownkey.la

# What gives out Google's tokens.
fuzz_targets += tests/fuzz/fuzz_gcp_token
tests_fuzz_fuzz_gcp_token_SOURCES = tests/fuzz/fuzz_gcp_token.c \
	tests/fuzz/replay.c
tests_fuzz_fuzz_gcp_token_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_SEEDS='"gcp_token"'
tests_fuzz_fuzz_gcp_token_LDADD = libownkey.la

check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
