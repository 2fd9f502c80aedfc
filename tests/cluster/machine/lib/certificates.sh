# shellcheck shell=bash
# Three authorities: with only one, a node's certificate could read etcd. `ca` is for the cluster and the ingress, `etcd-ca`
# for etcd, and `front-proxy-ca` for the API server when it calls extension API servers on behalf of its clients.

issue() {
    local name=$1
    shift
    [ -f "$RUN/pki/$name.crt" ] || openssl req -x509 -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') -noenc \
        -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 90 -addext subjectKeyIdentifier=hash \
        -addext authorityKeyIdentifier=keyid -keyout "$RUN/pki/$name.key" -out "$RUN/pki/$name.crt" "$@" 2>>"$RUN/log/openssl.log"
}

authority() {
    issue "$1" -subj "/CN=rc2-test $1" -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign
}

# signed NAME AUTHORITY USAGE SUBJECT [ALTERNATIVE NAMES]
signed() {
    issue "$1" -CA "$RUN/pki/$2.crt" -CAkey "$RUN/pki/$2.key" -subj "$4" -addext basicConstraints=critical,CA:FALSE \
        -addext keyUsage=critical,digitalSignature -addext "extendedKeyUsage=$3" ${5:+-addext "subjectAltName=$5"}
}

# kubeconfig NAME SUBJECT: credentials of a client of the API server, in one self-contained file.
kubeconfig() {
    signed "$1" ca clientAuth "$2"
    (umask 077 && cat >"$RUN/kubeconfig/$1") <<EOF
apiVersion: v1
kind: Config
clusters: [{name: rc2-test, cluster: {server: "https://$HOST_IP:6443", certificate-authority-data: $(base64_of ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64_of "$1.crt"), client-key-data: $(base64_of "$1.key")}}]
contexts: [{name: rc2-test, context: {cluster: rc2-test, user: $1}}]
current-context: rc2-test
EOF
}

base64_of() { base64 --wrap=0 "$RUN/pki/$1"; }

certificates() {
    local name
    for name in ca etcd-ca front-proxy-ca; do authority $name; done
    signed etcd etcd-ca serverAuth,clientAuth /CN=etcd IP:127.0.0.1 # etcd is a client of itself, too
    signed etcd-client etcd-ca clientAuth /CN=kube-apiserver
    signed front-proxy front-proxy-ca clientAuth /CN=front-proxy
    signed apiserver ca serverAuth /CN=kube-apiserver \
        "IP:$HOST_IP,IP:$API_SERVICE_IP,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    signed kubelet-client ca clientAuth /CN=rc2-test:kube-apiserver
    signed metrics-server-serving ca serverAuth /CN=metrics-server DNS:metrics-server.kube-system.svc
    signed ingress ca serverAuth "/CN=*.$DOMAIN" "DNS:*.$DOMAIN,DNS:$DOMAIN"
    signed service-accounts ca clientAuth /CN=service-accounts # only the key pair is used
    kubeconfig admin /O=system:masters/CN=admin
    for name in kube-controller-manager kube-scheduler kube-proxy; do kubeconfig $name /CN=system:$name; done
    for name in coredns traefik metrics-server local-path-provisioner; do kubeconfig $name /CN=rc2-test:$name; done
}
