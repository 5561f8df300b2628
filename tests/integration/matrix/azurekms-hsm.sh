# SPDX-License-Identifier: Apache-2.0
# The double of Managed HSM, whose KEK is an AES key. Sourced by matrix.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # here: of matrix.sh
. "$here/matrix/azurekms.sh"
. "$here/matrix/cells.sh" # wrapping as others do
versions=yes
vault=acmehsm
listener=endpoint.hsm
resource=https://managedhsm.azure.net
algorithm=A256KW
keys='kek=oct-HSM:256 rsa=RSA-HSM:2048 pss=RSA-HSM:2048 dec=RSA-HSM:2048
    ec=EC-HSM:P-256'

service_kek() {
    section acme "$@"
}
