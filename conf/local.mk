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
