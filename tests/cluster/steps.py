"""Named steps of a start and a stop on a cluster, at which a test can hold the hub."""

from rc2hub.pool.pods import PodStandby
from rc2hub.spawners.kube import Rc2KubeSpawner

START = {
    "manifest": (Rc2KubeSpawner, "get_pod_manifest"),
    "claim": (Rc2KubeSpawner, "claim"),
    "activate": (PodStandby, "activate"),
    "deliver": (PodStandby, "deliver"),
}
STOP = {"stop": (Rc2KubeSpawner, "stop"), "tokens": (Rc2KubeSpawner, "delete_tokens")}
