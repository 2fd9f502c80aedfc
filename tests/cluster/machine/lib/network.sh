# shellcheck shell=bash
# One bridge; the host and each node have an address on it. Pods do not reach the Internet: there is no address translation.

# Kernel settings that Kubernetes changes; `down` restores them.
SYSCTLS=(net.ipv4.ip_forward vm.overcommit_memory kernel.panic kernel.panic_on_oops
    kernel.keys.root_maxkeys kernel.keys.root_maxbytes)

network() {
    [ -f "$RUN/sysctl.conf" ] || sysctl --ignore "${SYSCTLS[@]}" >"$RUN/sysctl.conf"
    sysctl --quiet --write net.ipv4.ip_forward=1
    ip link show "$BRIDGE" >/dev/null 2>&1 && return
    ip link add "$BRIDGE" type bridge
    ip address add "$HOST_IP/24" dev "$BRIDGE"
    ip address add "$INGRESS_IP/24" dev "$BRIDGE"
    ip link set "$BRIDGE" up
}

# connect N: add a veth pair from the bridge into the node; the kernel removes it with the node.
connect() {
    local n=$1 pid other
    pid=$(pid_of "node$n")
    ip link delete "$BRIDGE$n" 2>/dev/null || true # the kernel may not have removed the one of a dead node yet
    ip link add "$BRIDGE$n" type veth peer name eth0 netns "$pid"
    ip link set "$BRIDGE$n" master "$BRIDGE" up
    in_network "$pid" ip link set lo up
    in_network "$pid" ip address add "$(node_ip "$n")/24" dev eth0
    in_network "$pid" ip link set eth0 up
    in_network "$pid" ip route add default via "$HOST_IP"
    for other in "${NODES[@]}"; do
        [ "$other" = "$n" ] || in_network "$pid" ip route add "$(pod_net "$other")" via "$(node_ip "$other")"
    done
    in_network "$pid" sysctl --quiet --write net.ipv4.ip_forward=1
    ip route replace "$(pod_net "$n")" via "$(node_ip "$n")"
}

in_network() { nsenter --net="/proc/$1/ns/net" "${@:2}"; }

# The host reaches Services through a running node.
route_services() {
    local n
    for n in "${NODES[@]}"; do
        if running "node$n"; then
            ip route replace "$SERVICES" via "$(node_ip "$n")"
            return
        fi
    done
}
