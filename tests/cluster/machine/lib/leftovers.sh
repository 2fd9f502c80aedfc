# shellcheck shell=bash
# Checks that `down` left nothing behind. It looks at the system itself, not at what was recorded.

# Prints what is left of a run.
leftovers() {
    local pid folder
    for pid in $(marked); do echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"; done
    for pid in $(in_cgroups); do echo "process $pid in a container: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"; done
    grep -F "$RUN" /proc/self/mountinfo | sed 's/^/mount: /'
    ip -brief link | grep -E "^($BRIDGE|cni0)" | sed 's/^/network link: /'
    ip route | grep -E '10\.(88|89|96)\.' | sed 's/^/route: /'
    nft list tables 2>/dev/null | grep -E 'kube-proxy' | sed 's/^/nftables: /'
    for folder in /sys/fs/cgroup/rc2-cluster /sys/fs/cgroup/*/rc2-cluster; do [ ! -e "$folder" ] || echo "cgroup $folder"; done
    for folder in "$RUN" /var/lib/kubelet /var/log/containers /var/log/pods /run/cni-addresses /usr/libexec/kubernetes; do
        [ ! -e "$folder" ] || echo "file $folder"
    done
}

# Processes in a cgroup of a node: containers do not inherit the mark.
in_cgroups() { grep --files-with-matches --no-messages /rc2-cluster/ /proc/[0-9]*/cgroup | cut -d / -f 3; }
