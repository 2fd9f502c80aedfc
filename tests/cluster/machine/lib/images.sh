# shellcheck shell=bash
# Images of the nodes. The cluster brings two: `pause` holds a pod's namespaces, `busybox` makes volumes and serves tests.

build_images() {
    local target work
    target=$CACHE/images-$({ sha256sum <"$MACHINE/lib/images.sh" && sha256sum </bin/busybox && echo "${BUILT[pause]}"; } |
        sha256sum | cut -c 1-16)
    BUILT[images]=$target
    [ ! -d "$target" ] || return 0
    work=$(mktemp --directory)
    mkdir --parents "$target.new" "$work/pause" "$work/busybox"/{bin,etc,tmp}
    cp "${BUILT[pause]}/pause" "$work/pause/"
    cp /bin/busybox "$work/busybox/bin/"
    chroot "$work/busybox" /bin/busybox --install -s /bin
    chmod 1777 "$work/busybox/tmp"
    echo root:x:0:0:root:/:/bin/sh >"$work/busybox/etc/passwd"
    image "$work" pause "$PAUSE" /pause "$target.new" 65535:65535
    image "$work" busybox "$BUSYBOX" /bin/sh "$target.new" 0:0
    rm -rf "$work"
    mv "$target.new" "$target"
}

# image WORK BUILT NAME COMMAND TARGET USER: write an image of the files in WORK/BUILT to TARGET/BUILT.tar.
image() {
    local buildah=(buildah --root "$1/storage" --runroot "$1/run" --storage-driver vfs) container
    container=$("${buildah[@]}" from scratch)
    {
        "${buildah[@]}" add "$container" "$1/$2" /
        "${buildah[@]}" config --cmd "[\"$4\"]" --user "$6" "$container"
        "${buildah[@]}" commit --quiet "$container" "$3"
        "${buildah[@]}" push --quiet "$3" "docker-archive:$5/$2.tar:$3"
    } >/dev/null
}

# import_into N FILE.tar: skipped if the node already has the same image under each name in the archive. The archive is
# identified by its index, which lists the digests of its contents.
import_into() {
    local n=$1 file=$2 index record
    index=$(tar --extract --to-stdout --file "$file" index.json manifest.json 2>/dev/null | sha256sum || true)
    record=$RUN/node$n/images/${index%% *}
    if [ ! -s "$record" ] || grep --invert-match --quiet --line-regexp --fixed-strings --file=<(names_in "$n") "$record"; then
        require_disk "$file"
        in_node "$n" ctr --namespace k8s.io images import - <"$file" |
            sed --quiet 's/^unpacking \(\S*\) (\(\S*\)).*/\1 \2/p' >"$record"
    fi
}

# A node keeps an image as layers and unpacked. On a full disk the nodes take no pod, and tests fail for no visible reason.
require_disk() {
    local needed free
    needed=$((2 * ${#NODES[@]} * $(stat --format %s "$1") / 1000000000 + 4))
    free=$(df --output=avail --block-size=GB "$RUN" | tail -n 1 | tr -dc 0-9)
    [ "$free" -ge "$needed" ] || fail "To import $1, $needed GB of disk must be free; $free GB are."
}

names_in() { in_node "$1" ctr --namespace k8s.io images list | awk '{ print $1, $3 }'; }

import() {
    local n jobs=()
    for n in "${NODES[@]}"; do
        import_into "$n" "$1" &
        jobs+=($!)
    done
    for n in "${jobs[@]}"; do wait "$n"; done
}
