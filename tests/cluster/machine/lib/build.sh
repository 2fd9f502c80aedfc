# shellcheck shell=bash
# Builds the binaries from Go modules into a cache outside the checkout. The folder names contain a hash of the sources.

KUBERNETES=1.34.4
HELM=3.22.0

need_go() {
    command -v go >/dev/null || fail "Go 1.25 or newer is needed to build the cluster's programs, and there is no go on the PATH."
    local version
    version=$(go env GOVERSION)
    printf 'go1.25\n%s\n' "$version" | sort --version-sort --check=quiet ||
        fail "Go 1.25 or newer is needed to build the cluster's programs; this is $version."
}

flags() {
    local base=k8s.io/component-base/version helm=helm.sh/helm/v3
    case $1 in
        kubernetes) echo "-X $base.gitVersion=v$KUBERNETES -X $base.gitMajor=1 -X $base.gitMinor=34" ;;
        traefik) echo "-X github.com/traefik/traefik/v3/pkg/version.Version=v3.6.12" ;;
        # charts are rendered for the Kubernetes that is built here, not for helm's default of 1.20
        tools) echo "-X $helm/internal/version.version=v$HELM -X $helm/pkg/chartutil.k8sVersionMajor=1" \
            "-X $helm/pkg/chartutil.k8sVersionMinor=34 -X $helm/pkg/lint/rules.k8sVersionMajor=1" \
            "-X $helm/pkg/lint/rules.k8sVersionMinor=34 -X main.version=v0.8.0" ;;
    esac
}

packages() {
    case $1 in
        traefik) echo github.com/traefik/traefik/v3/cmd/traefik ;;
        tools) echo helm.sh/helm/v3/cmd/helm github.com/yannh/kubeconform/cmd/kubeconform ;;
        metrics-server) echo sigs.k8s.io/metrics-server/cmd/metrics-server ;;
        local-path-provisioner) echo github.com/rancher/local-path-provisioner ;;
        *) echo . ;;
    esac
}

# Prints the cache folder of a module.
folder_of() {
    local hash
    hash=$(cd "$MACHINE/$1" && { go version && flags "$1" && packages "$1" && sha256sum ./*; } | sha256sum)
    echo "$CACHE/$1-${hash:0:16}"
}

# Prints the option of `go build` for Traefik's module with our package of DNS providers, in a folder that it fills.
without_dns_providers() {
    local folder=$1 lego=github.com/go-acme/lego/v4
    mkdir "$folder"
    cp "$MACHINE"/traefik/go.* "$folder"
    (cd "$MACHINE/traefik" && go mod download "$lego" && cp -r "$(go list -m -f '{{.Dir}}' "$lego")" "$folder/lego")
    chmod --recursive u+w "$folder/lego"
    cp "$MACHINE/traefik/dns_providers.go" "$folder/lego/providers/dns/zz_gen_dns_providers.go"
    go mod edit -replace "$lego=$folder/lego" "$folder/go.mod"
    echo "-modfile=$folder/go.mod"
}

build() {
    local name=$1 target=$2 began=$SECONDS options=
    [ ! -d "$target" ] || return 0
    log "Building $name"
    rm -rf "$target.new"
    mkdir -p "$target.new"
    [ "$name" != traefik ] || options=$(without_dns_providers "$target.new/module")
    # shellcheck disable=SC2046,SC2086 # several packages, and perhaps no option
    (cd "$MACHINE/$name" && GOCACHE=$CACHE/compiled GOFLAGS="-p=2 -mod=readonly -trimpath" CGO_ENABLED=0 \
        nice go build $options -ldflags "-s -w $(flags "$name")" -o "$target.new/" $(packages "$name") 2>"$target.new/log") ||
        fail "$(tail -n 20 "$target.new/log")" "Building $name failed."
    rm -rf "$target.new/log" "$target.new/module"
    if [ "$name" = kubernetes ]; then
        for component in kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet; do
            ln -s kubernetes "$target.new/$component"
        done
    fi
    mv "$target.new" "$target"
    log "Building $name took $((SECONDS - began)) s"
}

# Builds what is not in the cache. BUILT maps each name to its folder.
declare -A BUILT
build_all() {
    need_go
    local name
    for name in pause etcd coredns tools metrics-server local-path-provisioner kubernetes traefik; do
        BUILT[$name]=$(folder_of "$name")
        build "$name" "${BUILT[$name]}"
    done
    rm -rf "$CACHE/compiled" # 9 GB, which only another build could use
}
