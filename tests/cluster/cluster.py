"""The Kubernetes cluster that the tests of this folder use, and a namespace in it.

By default it is the cluster that `make cluster` started. To use another cluster, set `KUBECONFIG_RC2_TEST`, RC2_INGRESS_IP,
RC2_INGRESS_DOMAIN and RC2_CLUSTER_CA; the tests change only the namespaces that they create.
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
from tests.fixtures.hub import HANG_TIMEOUT

ENVIRONMENT = Path("/var/lib/rc2-cluster/cluster.env")
MACHINE = Path(__file__).parent / "machine" / "cluster"
CACHE = Path(os.environ.get("RC2_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rc2hub"))
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cluster:
    """One cluster; `settings` are the variables of `cluster.env` (KUBECTL, HELM, RC2_INGRESS_IP, RC2_CLUSTER_CA …)."""

    settings: Mapping[str, str]
    namespaces: list["Namespace"] = field(default_factory=list, compare=False)
    images: dict[str, str] = field(default_factory=dict, compare=False)

    def kubectl(self, *arguments: str, manifest: Any = None, timeout: float = HANG_TIMEOUT) -> str:
        """The output of kubectl. `manifest` is its input, as JSON (`kubectl("apply", "-f", "-", manifest=…)`).

        Raises AssertionError with kubectl's message if it fails, subprocess.TimeoutExpired after `timeout` seconds.
        """
        return self.run(self.settings["KUBECTL"], *arguments, stdin=_text(manifest), timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 300) -> str:
        """The output of helm; raises the same errors as `kubectl`."""
        return self.run(self.settings["HELM"], *arguments, timeout=timeout)

    def image(self, name: str) -> str:
        """The reference of one of our images. The nodes of `make cluster` import it from the archive of `make images`.

        Another cluster pulls it with the prefix in RC2_IMAGES_PREFIX (`registry.example.org/rc2hub/`).
        """
        if prefix := self.settings.get("RC2_IMAGES_PREFIX"):
            return f"{prefix}{name}:{__version__}"
        if name not in self.images:
            archives = dict(line.split("=", 1) for line in (CACHE / "images" / "images.env").read_text().splitlines())
            self.machine("import", archives[name], timeout=300)
            self.images[name] = f"localhost/rc2hub/{name}:{__version__}"
        return self.images[name]

    def machine(self, *arguments: str, timeout: float = 120) -> str:
        """Run a command of `machine/cluster` (`node-kill`, `stop` …); for fault tests on the cluster of `make cluster`."""
        return self.run(str(MACHINE), *arguments, timeout=timeout)

    def run(self, *command: str, stdin: str | None = None, timeout: float = HANG_TIMEOUT) -> str:
        """Run a program with the settings of this cluster; raises the same errors as `kubectl`."""
        environment = {**os.environ, **self.settings}
        done = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}"
        return done.stdout

    def get(self, kind: str, name: str = "", *arguments: str) -> Any:
        """The object of this name as in `kubectl get -o json`, or a list of all objects without a name."""
        found = json.loads(self.kubectl("get", kind, *([name] if name else []), "--output=json", *arguments))
        return found if name else found["items"]

    @contextmanager
    def namespace(self, labels: Mapping[str, str] | None = None) -> Iterator["Namespace"]:
        """A namespace with a unique name, deleted at the end without waiting; for fixtures of any scope."""
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

    def kubectl(self, *arguments: str, manifest: Any = None, timeout: float = HANG_TIMEOUT) -> str:
        """Like `Cluster.kubectl`, in this namespace."""
        return self.cluster.kubectl(f"--namespace={self.name}", *arguments, manifest=manifest, timeout=timeout)

    def get(self, kind: str, name: str = "", *arguments: str) -> Any:
        """Like `Cluster.get`, in this namespace."""
        return self.cluster.get(kind, name, f"--namespace={self.name}", *arguments)

    def apply(self, *manifests: Any) -> None:
        """Apply objects, given as dictionaries."""
        self.kubectl("apply", "-f", "-", manifest={"apiVersion": "v1", "kind": "List", "items": manifests})

    def wait(self, condition: str, *objects: str, timeout: float = HANG_TIMEOUT) -> None:
        """`kubectl wait`: `wait("condition=Ready", "pod/web")`; AssertionError after `timeout` seconds."""
        self.kubectl("wait", f"--for={condition}", *objects, f"--timeout={timeout:.0f}s", timeout=timeout + 10)

    def exec(self, pod: str, *command: str, timeout: float = HANG_TIMEOUT) -> str:
        """The output of a command in the pod's first container."""
        return self.kubectl("exec", pod, "--", *command, timeout=timeout)

    def describe(self) -> str:
        """Pods, events and logs as text, for the report of a failed test."""
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
    """The cluster for the tests; raises FileNotFoundError if there is none."""
    if kubeconfig := os.environ.get("KUBECONFIG_RC2_TEST"):
        return Cluster({"KUBECTL": "kubectl", "HELM": "helm", **os.environ, "KUBECONFIG": kubeconfig})
    if not ENVIRONMENT.exists():
        raise FileNotFoundError(
            "No cluster is running. Start one with `make cluster`, or set KUBECONFIG_RC2_TEST to use another."
        )
    return Cluster(dict(line.split("=", 1) for line in ENVIRONMENT.read_text().splitlines()))


def eventually(condition: Callable[[], Result], timeout: float = HANG_TIMEOUT) -> Result:
    """The first true result of `condition`, which may fail before; raises its last failure after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            if result := condition():
                return result
            failure: AssertionError = AssertionError(f"still {result!r} after {timeout} s")
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(0.2)


def _text(manifest: Any) -> str | None:
    return None if manifest is None else json.dumps(manifest)
