# shellcheck shell=bash
# etcd and Kubernetes' control plane, as processes of the host. `start_NAME` is also what `cluster start NAME` calls.

CONTROL_PLANE=(etcd kube-apiserver kube-controller-manager kube-scheduler)

# etcd's peer port has no TLS: there are no peers, and the address is loopback. No fsync: the data need not survive a crash.
start_etcd() {
    start etcd "${BUILT[etcd]}/etcd" --data-dir="$RUN/etcd" --unsafe-no-fsync --log-level=warn \
        --listen-client-urls=https://127.0.0.1:2379 --advertise-client-urls=https://127.0.0.1:2379 \
        --listen-peer-urls=http://127.0.0.1:2380 --cert-file="$RUN/pki/etcd.crt" --key-file="$RUN/pki/etcd.key" \
        --client-cert-auth --trusted-ca-file="$RUN/pki/etcd-ca.crt"
}

# Pods are evicted from a dead node after 10 s, not 300 s: otherwise each test of a power cut would take five minutes.
start_kube-apiserver() {
    local pki=$RUN/pki
    start kube-apiserver "${BUILT[kubernetes]}/kube-apiserver" --bind-address="$HOST_IP" --advertise-address="$HOST_IP" \
        --service-cluster-ip-range="$SERVICES" --anonymous-auth=false --client-ca-file="$pki/ca.crt" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --etcd-servers=https://127.0.0.1:2379 --etcd-cafile="$pki/etcd-ca.crt" \
        --etcd-certfile="$pki/etcd-client.crt" --etcd-keyfile="$pki/etcd-client.key" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-key-file="$pki/service-accounts.crt" --service-account-signing-key-file="$pki/service-accounts.key" \
        --enable-aggregator-routing=true --requestheader-client-ca-file="$pki/front-proxy-ca.crt" \
        --requestheader-allowed-names=front-proxy --requestheader-username-headers=X-Remote-User \
        --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
        --default-not-ready-toleration-seconds=10 --default-unreachable-toleration-seconds=10
}

start_kube-controller-manager() {
    local config=$RUN/kubeconfig/kube-controller-manager
    start kube-controller-manager "${BUILT[kubernetes]}/kube-controller-manager" --bind-address=127.0.0.1 \
        --kubeconfig="$config" --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" \
        --use-service-account-credentials=true --service-account-private-key-file="$RUN/pki/service-accounts.key" \
        --root-ca-file="$RUN/pki/ca.crt" --flex-volume-plugin-dir="$RUN/volume-plugins" \
        --leader-elect=false --node-monitor-grace-period=12s --node-monitor-period=2s
}

start_kube-scheduler() {
    local config=$RUN/kubeconfig/kube-scheduler
    start kube-scheduler "${BUILT[kubernetes]}/kube-scheduler" --bind-address=127.0.0.1 --leader-elect=false \
        --kubeconfig="$config" --authentication-kubeconfig="$config" --authorization-kubeconfig="$config"
}

kubectl() { KUBECACHEDIR=$RUN/kubectl "${BUILT[kubernetes]}/kubectl" --kubeconfig="$RUN/kubeconfig/admin" "$@"; }

control_plane() {
    start_etcd
    start_kube-apiserver
    wait_until 60 "the API server" kubectl get --raw /readyz
    start_kube-controller-manager
    start_kube-scheduler
}
