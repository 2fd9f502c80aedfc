"""A watch of pods without an API server: a test decides which pods it knows."""

from rc2hub.hub.pool.deployment import POOL
from rc2hub.kubernetes import Pod, PodWatch

NAMESPACE = "ns"


def pod_watch(*pods: Pod) -> PodWatch:
    watch = PodWatch(namespace=NAMESPACE, labels={"component": "singleuser-server"}, index_label=POOL, api=object())
    set_pods(watch, *pods)
    return watch


def set_pods(watch: PodWatch, *pods: Pod) -> None:
    """Add these pods, or change them, as an event of the API server does."""
    for pod in pods:
        watch._put(pod)
    watch._notify()
