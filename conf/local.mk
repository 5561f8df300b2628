libownkey_la_SOURCES += conf/conf.h
