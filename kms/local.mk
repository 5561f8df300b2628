include kms/hsm.mk

libownkey_la_SOURCES += \
	kms/algorithm.c kms/algorithm.h \
	kms/credential.c kms/credential.h \
	kms/drivers.c \
	kms/kms.c kms/kms.h

libownkey_la_SOURCES += \
	kms/localkms.c kms/localkms.h \
	kms/localkms_admin.c kms/localkms_admin.h \
	kms/localkms_aes.c kms/localkms_aes.h \
	kms/localkms_driver.h \
	kms/localkms_file.c kms/localkms_file.h \
	kms/localkms_io.c kms/localkms_io.h \
	kms/localkms_pkey.c kms/localkms_pkey.h \
	kms/localkms_use.c

# The transport and what talks to AWS KMS.
libownkey_la_SOURCES += \
	kms/aws_call.c kms/aws_call.h \
	kms/aws_chain.c kms/aws_chain.h \
	kms/aws_config.c kms/aws_config.h \
	kms/aws_container.h \
	kms/aws_credentials.c kms/aws_credentials.h \
	kms/aws_document.c kms/aws_document.h \
	kms/aws_endpoint.c kms/aws_endpoint.h \
	kms/aws_errors.c kms/aws_errors.h \
	kms/aws_fetch.c kms/aws_fetch.h \
	kms/aws_host.c kms/aws_host.h \
	kms/aws_key.c kms/aws_key.h \
	kms/aws_profile.c kms/aws_profile.h \
	kms/aws_replicas.c kms/aws_replicas.h \
	kms/aws_reply.c kms/aws_reply.h \
	kms/aws_reply_key.c \
	kms/aws_reply_parts.c kms/aws_reply_parts.h \
	kms/aws_reply_sign.c \
	kms/aws_request.c kms/aws_request.h \
	kms/aws_service.c kms/aws_service.h \
	kms/aws_sign.c kms/aws_sign.h \
	kms/aws_sigv4.c kms/aws_sigv4.h \
	kms/aws_source_container.c \
	kms/aws_source_instance.c \
	kms/aws_source_process.c \
	kms/aws_source_sso.c \
	kms/aws_source_sts.c \
	kms/aws_sso_token.c kms/aws_sso_token.h \
	kms/aws_static_key.c kms/aws_static_key.h \
	kms/aws_sts_message.c kms/aws_sts_message.h \
	kms/awskms.c kms/awskms.h \
	kms/awskms_key.c kms/awskms_parts.h \
	kms/command_line.c kms/command_line.h \
	kms/http.c kms/http.h \
	kms/http_exchange.h \
	kms/http_guest.c kms/http_guest.h \
	kms/http_origin.c \
	kms/http_pool.c kms/http_pool.h \
	kms/http_reply.c \
	kms/json.c kms/json.h \
	kms/net.c kms/net.h \
	kms/rest.c kms/rest.h \
	kms/replicas.c kms/replicas.h \
	kms/retry.c kms/retry.h \
	kms/rsa_oaep.c kms/rsa_oaep.h \
	kms/signature.c kms/signature.h \
	kms/xml.c kms/xml.h
libownkey_la_LIBADD += $(SSL_LIBS) $(EXPAT_LIBS)

# Azure Key Vault and Managed HSM.
libownkey_la_SOURCES += \
	kms/azure_algorithm.c kms/azure_algorithm.h \
	kms/azure_assertion.c kms/azure_assertion.h \
	kms/azure_call.c kms/azure_call.h \
	kms/azure_challenge.c kms/azure_challenge.h \
	kms/azure_choose.c kms/azure_choose.h \
	kms/azure_cli.c \
	kms/azure_config.c kms/azure_config.h \
	kms/azure_errors.c kms/azure_errors.h \
	kms/azure_identity.c \
	kms/azure_jwk.c kms/azure_jwk.h \
	kms/azure_login.c \
	kms/azure_reply.c kms/azure_reply.h \
	kms/azure_request.c kms/azure_request.h \
	kms/azure_source.c kms/azure_source.h \
	kms/azure_source_internal.h \
	kms/azure_token.c kms/azure_token.h \
	kms/azure_uri.c kms/azure_uri.h \
	kms/azurekms.c kms/azurekms.h \
	kms/form.c kms/form.h \
	kms/kept.c kms/kept.h \
	kms/secret_file.c kms/secret_file.h

# Google Cloud KMS.
libownkey_la_SOURCES += \
	kms/gcp_algorithm.c kms/gcp_algorithm.h \
	kms/gcp_aws.c kms/gcp_aws.h \
	kms/gcp_call.c kms/gcp_call.h \
	kms/gcp_config.c kms/gcp_config.h \
	kms/gcp_credentials.c kms/gcp_credentials.h \
	kms/gcp_credfile.c kms/gcp_credfile.h \
	kms/gcp_describe.c \
	kms/gcp_errors.c kms/gcp_errors.h \
	kms/gcp_fetch.c kms/gcp_fetch.h \
	kms/gcp_jwt.c kms/gcp_jwt.h \
	kms/gcp_name.c kms/gcp_name.h \
	kms/gcp_reply.c kms/gcp_reply.h \
	kms/gcp_reply_parts.h \
	kms/gcp_request.c kms/gcp_request.h \
	kms/gcp_subject.c \
	kms/gcp_token.c kms/gcp_token.h \
	kms/gcpkms.c kms/gcpkms.h \
	kms/gcpkms_parts.h \
	kms/gcpkms_use.c \
	kms/gcpkms_wrap.c

# Vault and OpenBao.
libownkey_la_SOURCES += \
	kms/hashivault.c kms/hashivault.h \
	kms/hashivault_open.c kms/hashivault_parts.h \
	kms/hashivault_use.c \
	kms/vault_auth.c kms/vault_auth.h \
	kms/vault_auth_internal.h \
	kms/vault_batch.c kms/vault_batch.h \
	kms/vault_call.c kms/vault_call.h \
	kms/vault_choose.c \
	kms/vault_config.c kms/vault_config.h \
	kms/vault_errors.c kms/vault_errors.h \
	kms/vault_login.c kms/vault_login_aws.c \
	kms/vault_name.c kms/vault_name.h \
	kms/vault_reply.c kms/vault_reply.h \
	kms/vault_reply_key.c kms/vault_reply_parts.h \
	kms/vault_request.c kms/vault_request.h \
	kms/vault_token.c kms/vault_token.h
