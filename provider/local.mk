libownkey_la_SOURCES += \
	provider/cipher.c \
	provider/decoder.c \
	provider/encoder.c \
	provider/err.c \
	provider/internal.h \
	provider/kek.c provider/kek.h \
	provider/kex.c \
	provider/key.c \
	provider/keymgmt.c \
	provider/mac.c \
	provider/order.c \
	provider/provider.c \
	provider/sig.c provider/sig.h \
	provider/sigalg.c \
	provider/sigparams.c \
	provider/store.c

# OpenSSL looks for NAME.so in its own modules directory or OPENSSL_MODULES.
osslmodulesdir = $(libdir)/ossl-modules
osslmodules_LTLIBRARIES = ownkey.la
ownkey_la_SOURCES = provider/entry.c
ownkey_la_LIBADD = libownkey.la
ownkey_la_LDFLAGS = $(module_ldflags) \
	-export-symbols $(top_srcdir)/provider/provider.sym
ownkey_la_DEPENDENCIES = libownkey.la provider/provider.sym

EXTRA_DIST += provider/provider.sym doc/key-file.md doc/provider-order.md
man_MANS += doc/ownkey-provider.7
EXTRA_DIST += doc/ownkey-provider.7
