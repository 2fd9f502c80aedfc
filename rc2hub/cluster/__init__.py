"""What Rc² says to the Kubernetes API beyond KubeSpawner. Only this package imports kubernetes_asyncio.

The configuration of the client is KubeSpawner's (`c.KubeSpawner.k8s_api_…`), in a gateway the pod's own service account.

pods.py        pods with some labels, as a watch keeps them
streams.py     streams to commands in pods
standbys.py    the Deployment that keeps standbys, and the patches that make one of its pods somebody's
failures.py    what goes wrong, in Kubernetes' words
"""

from rc2hub.cluster.failures import refused, why_failed
from rc2hub.cluster.pods import Pod, Pods
from rc2hub.cluster.standbys import Standbys
from rc2hub.cluster.streams import ExecStream, open_exec

__all__ = ["ExecStream", "Pod", "Pods", "Standbys", "open_exec", "refused", "why_failed"]
