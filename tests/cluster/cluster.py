"""The Kubernetes that the tests of this folder run against, and a namespace in it.

`KUBECONFIG_RC2_TEST` names a cluster of yours; then RC2_INGRESS_IP, RC2_INGRESS_DOMAIN and RC2_CLUSTER_CA come from the
environment too, and the tests touch only namespaces that they made. Otherwise it is the one that `make cluster` started.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from rc2hub import __version__

ENVIRONMENT = Path("/var/lib/rc2-cluster/cluster.env")
MACHINE = Path(__file__).parent / "machine" / "cluster"
CACHE = Path(os.environ.get("RC2_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rc2hub"))
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cluster:
    """One Kubernetes; `settings` are the words of `cluster.env` (KUBECTL, HELM, RC2_INGRESS_IP, RC2_CLUSTER_CA …)."""

    settings: Mapping[str, str]
    namespaces: list["Namespace"] = field(default_factory=list, compare=False)
    images: dict[str, str] = field(default_factory=dict, compare=False)

    def kubectl(self, *arguments: str, manifest: Any = None, timeout: float = 60) -> str:
        """What kubectl printed; `manifest` is given to it as JSON (`kubectl("apply", "-f", "-", manifest=…)`).

        Raises AssertionError with what kubectl said when it fails, subprocess.TimeoutExpired after `timeout` seconds.
        """
        return self.run(self.settings["KUBECTL"], *arguments, stdin=_text(manifest), timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 300) -> str:
        """What helm printed; fails like `kubectl`."""
        return self.run(self.settings["HELM"], *arguments, timeout=timeout)

    def image(self, name: str) -> str:
        """The reference of one of our images; the machine's own nodes get it from the archive that `make images` made.

        For a cluster of yours, RC2_IMAGES_PREFIX says where it finds them (`registry.example.org/rc2hub/`).
        """
        if prefix := self.settings.get("RC2_IMAGES_PREFIX"):
            return f"{prefix}{name}:{__version__}"
        if name not in self.images:
            archives = dict(line.split("=", 1) for line in (CACHE / "images" / "images.env").read_text().splitlines())
            self.machine("import", archives[name], timeout=300)
            self.images[name] = f"localhost/rc2hub/{name}:{__version__}"
        return self.images[name]

    def machine(self, *arguments: str, timeout: float = 120) -> str:
        """A command of `machine/cluster` (`node-kill`, `stop` …); for tests of faults, on the cluster of `make cluster`."""
        return self.run(str(MACHINE), *arguments, timeout=timeout)

    def run(self, *command: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run a program that knows this cluster; fails like `kubectl`."""
        environment = {**os.environ, **self.settings}
        done = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}"
        return done.stdout

    def get(self, kind: str, name: str = "", *arguments: str) -> Any:
        """Objects as `kubectl get -o json` has them; a list of them when no name is given."""
        found = json.loads(self.kubectl("get", kind, *([name] if name else []), "--output=json", *arguments))
        return found if name else found["items"]

    @contextmanager
    def namespace(self, labels: Mapping[str, str] | None = None) -> Iterator["Namespace"]:
        """A namespace with a name of its own, deleted at the end without waiting; for fixtures of any scope."""
        namespace = Namespace(self, f"rc2-test-{token_hex(4)}")
        metadata = {"name": namespace.name, "labels": {"rc2-test": "true", **(labels or {})}}
        self.kubectl("create", "-f", "-", manifest={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.namespaces.append(namespace)
        try:
            eventually(lambda: namespace.get("serviceaccount", "default"))  # without it a pod is refused
            yield namespace
        finally:
            self.namespaces.remove(namespace)
            self.kubectl("delete", "namespace", namespace.name, "--wait=false")


@dataclass(frozen=True)
class Namespace:
    """One namespace of the cluster."""

    cluster: Cluster
    name: str

    def kubectl(self, *arguments: str, manifest: Any = None, timeout: float = 60) -> str:
        """Like `Cluster.kubectl`, in this namespace."""
        return self.cluster.kubectl(f"--namespace={self.name}", *arguments, manifest=manifest, timeout=timeout)

    def get(self, kind: str, name: str = "", *arguments: str) -> Any:
        """Like `Cluster.get`, in this namespace."""
        return self.cluster.get(kind, name, f"--namespace={self.name}", *arguments)

    def apply(self, *manifests: Any) -> None:
        """Apply objects given as dictionaries."""
        self.kubectl("apply", "-f", "-", manifest={"apiVersion": "v1", "kind": "List", "items": manifests})

    def wait(self, condition: str, *what: str, timeout: float = 60) -> None:
        """`kubectl wait`: `wait("condition=Ready", "pod/web")`; AssertionError after `timeout` seconds."""
        self.kubectl("wait", f"--for={condition}", *what, f"--timeout={timeout:.0f}s", timeout=timeout + 10)

    def exec(self, pod: str, *command: str, timeout: float = 60) -> str:
        """What a command in the pod's first container prints."""
        return self.kubectl("exec", pod, "--", *command, timeout=timeout)

    def describe(self) -> str:
        """Pods, events and logs as text: what is shown when a test fails."""
        show = [
            ("get", "pods", "--output=wide"),
            ("get", "events", "--sort-by=.metadata.creationTimestamp"),
            *(
                ("logs", pod, "--all-containers", "--ignore-errors", "--prefix", "--tail=60")
                for pod in self.kubectl("get", "pods", "--output=name").split()
            ),
        ]
        return "\n".join(self._show(*arguments) for arguments in show)

    def _show(self, *arguments: str) -> str:
        try:
            return f"$ kubectl {' '.join(arguments)}\n{self.kubectl(*arguments)}"
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return f"$ {error}"


def find() -> Cluster:
    """The cluster to test against; FileNotFoundError says how to get one."""
    if kubeconfig := os.environ.get("KUBECONFIG_RC2_TEST"):
        return Cluster({"KUBECTL": "kubectl", "HELM": "helm", **os.environ, "KUBECONFIG": kubeconfig})
    if not ENVIRONMENT.exists():
        raise FileNotFoundError("No cluster runs: `make cluster` starts one, or KUBECONFIG_RC2_TEST names one of yours.")
    return Cluster(dict(line.split("=", 1) for line in ENVIRONMENT.read_text().splitlines()))


def eventually(look: Callable[[], Result], timeout: float = 30) -> Result:
    """The first true result of `look`, which may fail until then; its last failure after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            if result := look():
                return result
            failure: AssertionError = AssertionError(f"still {result!r} after {timeout} s")
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(0.2)


def _text(manifest: Any) -> str | None:
    return None if manifest is None else json.dumps(manifest)
