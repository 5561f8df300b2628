# A PKCS#11 HSM, by way of p11-kit.
libownkey_la_SOURCES += \
	kms/hsm.c kms/hsm.h \
	kms/hsm_ck.h \
	kms/hsm_config.c kms/hsm_config.h \
	kms/hsm_crypt.c \
	kms/hsm_errors.c kms/hsm_errors.h \
	kms/hsm_identity.c \
	kms/hsm_job.c kms/hsm_job.h \
	kms/hsm_login.c \
	kms/hsm_module.c kms/hsm_module.h \
	kms/hsm_object.c kms/hsm_object.h \
	kms/hsm_ops.h \
	kms/hsm_pin.c kms/hsm_pin.h \
	kms/hsm_plan.c kms/hsm_plan.h \
	kms/hsm_public.c \
	kms/hsm_run.c kms/hsm_run.h \
	kms/hsm_sign.c \
	kms/hsm_slot.c \
	kms/hsm_spki.c kms/hsm_spki.h \
	kms/hsm_token.c kms/hsm_token.h kms/hsm_token_internal.h \
	kms/hsm_tries.c kms/hsm_tries.h \
	kms/hsm_uri.c kms/hsm_uri.h \
	kms/hsm_wrap.c
libownkey_la_LIBADD += $(P11KIT_LIBS)
