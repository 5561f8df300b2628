# SPDX-License-Identifier: Apache-2.0
# A server that others wrote, from the private environment of
# tests/cloud/clients.sh, on loopback. Sourced by matrix.sh's services.
# shellcheck shell=sh
# shellcheck disable=SC2154 # service: of matrix.sh

bin=$(sh "$OWNKEY_SRCDIR/tests/cloud/clients.sh" "$OWNKEY_BUILDDIR/tests") ||
    exit $?
bin=${bin%/*}

free_port() {
    /usr/bin/python3 -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])'
}

# peer COMMAND...: in the background, its output in ./peer.log. It ends with
# the shell that started it, and in any case after ten minutes.
peer() {
    setpriv --pdeathsig TERM timeout 600 "$@" >peer.log 2>&1 </dev/null &
    peer_pid=$!
}

end_peer() {
    kill "$peer_pid"
    wait "$peer_pid"
}

# until_it WHAT COMMAND...: until it succeeds.
until_it() {
    what=$1
    shift
    tries=0
    until "$@" >out 2>err; do
        tries=$((tries + 1))
        if [ $tries -gt 150 ] || ! kill -0 "$peer_pid" 2>/dev/null; then
            cat peer.log >&2
            die "$service never $what"
        fi
        sleep 0.2
    done
}
