#!/usr/bin/env bash
# Runs a command in a network of its own: loopback and one address that nobody else has. Firefox makes no
# ICE candidates of loopback addresses, so it needs the second one; and nothing in the tests can reach
# anything outside.
#   apart.sh COMMAND [ARGUMENT …]
set -euo pipefail
become=()
if [ "$(id -u)" -ne 0 ]; then become=(--map-root-user); fi
exec unshare "${become[@]}" --net bash -euc '
  ip link set lo up
  ip link add diemcau0 type veth peer name diemcau1
  ip address add 10.77.0.1/24 dev diemcau0
  ip link set diemcau0 up
  ip link set diemcau1 up
  # Nobody is there: Firefox only asks which address a way out would have.
  ip route add default via 10.77.0.2 dev diemcau0
  exec "$@"
' apart "$@"
