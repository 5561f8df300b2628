libownkey_la_SOURCES += \
	kms/algorithm.c kms/algorithm.h \
	kms/drivers.c \
	kms/kms.c kms/kms.h

libownkey_la_SOURCES += \
	kms/localkms.c kms/localkms.h \
	kms/localkms_admin.c kms/localkms_admin.h \
	kms/localkms_aes.c kms/localkms_aes.h \
	kms/localkms_file.c kms/localkms_file.h \
	kms/localkms_io.c kms/localkms_io.h \
	kms/localkms_pkey.c kms/localkms_pkey.h
