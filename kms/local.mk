libownkey_la_SOURCES += \
	kms/algorithm.c kms/algorithm.h \
	kms/drivers.c \
	kms/kms.c kms/kms.h
