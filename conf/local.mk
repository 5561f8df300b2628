libownkey_la_SOURCES += \
	conf/check.c \
	conf/conf.c conf/conf.h \
	conf/file.c \
	conf/ini.c \
	conf/internal.h \
	conf/public.c \
	conf/section.c conf/section.h \
	conf/section_global.c \
	conf/section_key.c \
	conf/section_token.c \
	conf/value.c

# To look at; an administrator's files are never written to.
sampledir = $(docdir)/examples
dist_sample_DATA = conf/ownkey.conf.sample conf/openssl.cnf.sample
