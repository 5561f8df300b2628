libownkey_la_SOURCES += \
	kms/algorithm.c kms/algorithm.h \
	kms/kms.h
