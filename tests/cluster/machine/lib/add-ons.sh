# shellcheck shell=bash
# What a cluster has beside Kubernetes. The add-ons are processes of the host: draining a node or cutting its power then
# affects only what is tested, and the nodes run no pods of the harness.

ADD_ONS=(coredns metrics-server local-path-provisioner traefik)

start_coredns() {
    fill Corefile >"$RUN/Corefile"
    start coredns "${BUILT[coredns]}/coredns" -conf "$RUN/Corefile"
}

start_metrics-server() {
    local config=$RUN/kubeconfig/metrics-server pki=$RUN/pki
    start metrics-server "${BUILT[metrics-server]}/metrics-server" --bind-address="$HOST_IP" --secure-port=4443 \
        --tls-cert-file="$pki/metrics-server-serving.crt" --tls-private-key-file="$pki/metrics-server-serving.key" \
        --kubeconfig="$config" --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --metric-resolution=10s --kubelet-request-timeout=5s
}

start_local-path-provisioner() {
    cp "$MACHINE/templates/volumes.json" "$RUN/volumes.json"
    start local-path-provisioner "${BUILT[local-path-provisioner]}/local-path-provisioner" start \
        --kubeconfig "$RUN/kubeconfig/local-path-provisioner" --config "$RUN/volumes.json" --helper-image "$BUSYBOX"
}

start_traefik() {
    fill traefik.yaml >"$RUN/traefik.yaml"
    fill traefik-tls.yaml >"$RUN/traefik-tls.yaml"
    KUBECONFIG=$RUN/kubeconfig/traefik start traefik "${BUILT[traefik]}/traefik" --configFile="$RUN/traefik.yaml"
}

add_ons() {
    local name
    for name in "$MACHINE"/manifests/*.yaml; do fill "../manifests/$(basename "$name")" && echo ---; done |
        kubectl apply --filename - >/dev/null
    for name in "${ADD_ONS[@]}"; do "start_$name"; done
}

# fill TEMPLATE [NODE]: print a template with the settings filled in.
fill() {
    local n=${2:-0}
    sed -e "s|@N@|$n|g; s|@POD_NET@|$(pod_net "$n")|g; s|@HOST_IP@|$HOST_IP|g; s|@INGRESS_IP@|$INGRESS_IP|g" \
        -e "s|@DOMAIN@|$DOMAIN|g; s|@RUN@|$RUN|g; s|@PAUSE@|$PAUSE|g; s|@BUSYBOX@|$BUSYBOX|g" \
        -e "s|@CA@|$(base64_of ca.crt)|g" "$MACHINE/templates/$1"
}
