"""What Rc² calls in the Kubernetes API beyond KubeSpawner. Only this package imports kubernetes_asyncio.

The hub uses KubeSpawner's client configuration (`c.KubeSpawner.k8s_api_…`), a gateway its pod's own service account.

pod_watch.py     the pods with given labels, kept up to date by a watch
pod_status.py    reads the status of a pod
exec_stream.py   a stream to a command that runs in a pod
standby_api.py   the Deployments that keep standbys, and the patches of their pods
api_errors.py    the errors of an API call, and the API server's message in them
"""

from rc2hub.kubernetes.api_errors import api_failure, as_error, is_refused
from rc2hub.kubernetes.exec_stream import UNREACHABLE, ExecStream, exec_failure, open_exec
from rc2hub.kubernetes.pod_watch import Pod, PodWatch
from rc2hub.kubernetes.standby_api import StandbyApi

__all__ = [
    "UNREACHABLE",
    "ExecStream",
    "Pod",
    "PodWatch",
    "StandbyApi",
    "api_failure",
    "as_error",
    "exec_failure",
    "is_refused",
    "open_exec",
]
