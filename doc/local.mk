EXTRA_DIST += doc/awskms.md doc/azurekms.md doc/gcpkms.md doc/hashivault.md \
	doc/transport.md doc/localkms.md doc/threat-model.md \
	doc/services.md doc/wrapped-key.md .shellcheckrc

man_MANS += doc/ownkey.1 doc/ownkey.conf.5
EXTRA_DIST += doc/ownkey.1 doc/ownkey.conf.5
EXTRA_DIST += doc/hsm.md doc/leases.md doc/performance.md doc/store.md
