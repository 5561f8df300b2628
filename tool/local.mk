bin_PROGRAMS += ownkey
ownkey_SOURCES = \
	tool/check.c tool/check.h \
	tool/check_kek.c \
	tool/check_key.c \
	tool/check_step.c \
	tool/check_store.c \
	tool/exit.c \
	tool/files.c \
	tool/flush.c \
	tool/hint.c tool/hint.h \
	tool/init.c tool/init_text.c tool/init_text.h \
	tool/key.c \
	tool/key_input.c \
	tool/key_use.c tool/key_use.h \
	tool/localkms.c \
	tool/main.c \
	tool/open.c \
	tool/options.c \
	tool/remote.c tool/remote.h \
	tool/report.c \
	tool/rewrap.c \
	tool/status.c \
	tool/store.c \
	tool/tool.h \
	tool/unwrap.c \
	tool/wrap.c \
	tool/wrapped.c
ownkey_LDADD = libownkey.la $(CJSON_LIBS) $(CRYPTO_LIBS)
