# shellcheck shell=bash
# A node is a set of network, mount, PID and UTS namespaces. Its first process is `pause`, a child of `unshare`. If `unshare`
# is killed, `pause` dies too, and the kernel kills every process of the node, like a power cut. /var/lib, /var/log and /run
# belong to the node, so containerd and kubelet use their usual paths.

node_up() {
    local n=$1
    [ -d "$RUN/node$n/lib" ] || node_files "$n"
    node_cgroups "$n"
    if ! running "node$n"; then
        start "node$n" unshare --net --pid --mount --uts --fork --kill-child=KILL --mount-proc --propagation private \
            "$MACHINE/lib/node-start" "$RUN" "$n" "${BUILT[kubernetes]}"
        wait_until 10 "node $n" test -e "/proc/$(pid_of "node$n")/root/run/started"
        connect "$n"
    fi
    route_services
    start "node$n-containerd" "$MACHINE/cluster" enter "$n" containerd --config /var/lib/rc2-cluster/containerd.toml
    wait_until 20 "containerd of node $n" in_node "$n" ctr version
    import_into "$n" "${BUILT[images]}/pause.tar"
    import_into "$n" "${BUILT[images]}/busybox.tar"
    start_kubelet "$n"
    start "node$n-kube-proxy" "$MACHINE/cluster" enter "$n" kube-proxy --kubeconfig=/var/lib/rc2-cluster/kube-proxy \
        --proxy-mode=nftables --conntrack-max-per-core=0 --cluster-cidr="$PODS"
}

start_kubelet() {
    start "node$1-kubelet" "$MACHINE/cluster" enter "$1" kubelet --config=/var/lib/rc2-cluster/kubelet.yaml \
        --kubeconfig=/var/lib/rc2-cluster/kubeconfig --node-ip="$(node_ip "$1")" \
        --node-labels="topology.kubernetes.io/zone=zone$1"
}

# set_pid_threshold N PERCENT: with fewer free process IDs, node N reports PIDPressure. (Under disk pressure, it would delete
# images first.)
set_pid_threshold() {
    sed --in-place "s/pid.available: \"[0-9.]*%\"/pid.available: \"$2\"/" "$RUN/node$1/lib/rc2-cluster/kubelet.yaml"
    restart_kubelet "$1"
}

restart_kubelet() {
    local pid
    pid=$(pid_of "node$1-kubelet")
    kill "$(<"/proc/$pid/task/$pid/children")" # nsenter waits for this process, then exits
    wait_until 10 "the end of the kubelet of node $1" ended "$pid"
    start_kubelet "$1"
}

node_kill() {
    running "node$1" || fail "Node $1 does not run."
    local pid
    pid=$(pid_of "node$1")
    kill -9 "$pid"
    wait_until 20 "the end of node $1" ended "$pid"
    rm "$RUN/process/node$1"*
    remove_cgroups "rc2-cluster/node$1" # otherwise a new kubelet spends half a minute on those of dead containers
    route_services
}

in_node() (enter "$@")

# enter N COMMAND...: run the command in the node, in place of this shell.
enter() {
    local n=$1 ns
    shift
    running "node$n" || fail "Node $n does not run."
    ns=/proc/$(pid_of "node$n")/ns
    PATH=/var/lib/rc2-cluster/bin:$PATH exec nsenter --net="$ns/net" --uts="$ns/uts" --mount="$ns/mnt" \
        --pid="$ns/pid_for_children" "$@"
}

# The kubelet needs its cgroup to exist: in each hierarchy of version 1, or with all controllers in version 2.
node_cgroups() {
    local folder base=/sys/fs/cgroup
    if [ -f $base/cgroup.controllers ]; then
        mkdir --parents "$base/rc2-cluster/node$1"
        for folder in $base $base/rc2-cluster; do
            sed 's/\S*/+&/g' "$folder/cgroup.controllers" >"$folder/cgroup.subtree_control"
        done
        return
    fi
    for folder in $(awk 'NR > 1 { print $1 }' /proc/cgroups) systemd; do
        [ ! -d "$base/$folder" ] || mkdir --parents "$base/$folder/rc2-cluster/node$1"
    done
}

remove_cgroups() {
    local folder
    for folder in "/sys/fs/cgroup/$1" /sys/fs/cgroup/*/"$1"; do
        [ ! -d "$folder" ] || wait_until 20 "the end of $folder" find "$folder" -depth -type d -exec rmdir {} +
    done
}

# The node's files are in its own /var/lib/rc2-cluster; it sees no file of another node.
node_files() {
    local n=$1 own=$RUN/node$1/lib/rc2-cluster
    mkdir --parents "$own/bin" "$own/homes" "$own/volumes" "$own/cni" "$RUN/node$n/log" "$RUN/node$n/images"
    kubeconfig "node$n" "/O=system:nodes/CN=system:node:node$n"
    signed "node$n-serving" ca serverAuth "/O=system:nodes/CN=system:node:node$n" "DNS:node$n,IP:$(node_ip "$n")"
    cp "$RUN/kubeconfig/node$n" "$own/kubeconfig"
    cp "$RUN/kubeconfig/kube-proxy" "$RUN/pki/ca.crt" "${BUILT[pause]}/pause" "$own/"
    cp "$RUN/pki/node$n-serving.crt" "$own/kubelet.crt"
    cp "$RUN/pki/node$n-serving.key" "$own/kubelet.key"
    echo "nameserver $HOST_IP" >"$own/resolv.conf"
    fill kubelet.yaml "$n" >"$own/kubelet.yaml"
    fill containerd.toml "$n" >"$own/containerd.toml"
    fill cni.conflist "$n" >"$own/cni/10-rc2.conflist"
}
