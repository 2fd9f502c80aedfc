# shellcheck shell=bash disable=SC2034 # read by the other files
# Addresses, folders and names that the other files use.

RUN=/var/lib/rc2-cluster                  # everything that a run makes; `down` removes it
CACHE=${RC2_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rc2hub}/cluster
NODES=(1 2)
BRIDGE=rc2-cluster
HOST_IP=10.88.0.1                         # API server, CoreDNS and metrics-server
INGRESS_IP=10.88.0.2                      # Traefik, on the bridge too
SERVICES=10.96.0.0/16
API_SERVICE_IP=10.96.0.1
PODS=10.89.0.0/16
DOMAIN=rc2.test                           # every name in it resolves to the ingress
BUSYBOX=localhost/rc2-test/busybox:1
PAUSE=localhost/rc2-test/pause:1
MARK=RC2_TEST_CLUSTER=1                   # in the environment of every process of the run, so that `leftovers` finds them

node_ip() { echo "10.88.0.1$1"; }
pod_net() { echo "10.89.$1.0/24"; }

log() { echo "$*" >&2; }
fail() {
    log "$*"
    exit 1
}

# within SECONDS COMMAND...: run the command ten times a second until it succeeds; fail after SECONDS.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

# wait_until SECONDS WHAT COMMAND...: the same, and exit with a message if it does not succeed.
wait_until() { within "$1" "${@:3}" || fail "Waited $1 s without success for $2; see $RUN/log."; }
