"""Writes the class data archive of Spark in a pod: classes are loaded and checked once instead of at each start.

    python archive.py ARCHIVE

A Connect server and an executor run some typical first queries and list the classes they load; both lists make one archive
(JEP 310). A small HTTP server stands in for the Kubernetes API: a pod that Spark requests is started as a process.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from pyspark.sql import SparkSession

TIMEOUT = 120.0
"""Seconds for Spark to answer, and to end."""
MEMORY = "512m"


class FakeKubernetes(BaseHTTPRequestHandler):
    """The part of the Kubernetes API that Spark calls while it runs one executor."""

    lists: ClassVar[Path]
    pods: ClassVar[list[dict[str, Any]]] = []
    processes: ClassVar[list[subprocess.Popen[bytes]]] = []

    def do_POST(self) -> None:
        """Create a pod: start its process."""
        pod = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pod["status"] = {"phase": "Running", "podIP": "127.0.0.1"}
        pod["metadata"] |= {"uid": f"pod-{len(self.pods)}", "resourceVersion": "1"}
        self.pods.append(pod)
        self.processes.append(start(self.lists / "executor", ["executor"], environment(pod)))
        self.answer(pod, 201)

    def do_GET(self) -> None:
        """List the pods."""
        self.answer({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": self.pods})

    def do_DELETE(self) -> None:
        """Answer with success; the processes end with the server."""
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def answer(self, value: object, status: int = 200) -> None:
        """Send a value as JSON."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def environment(pod: dict[str, Any]) -> dict[str, str]:
    """The environment variables of an executor pod. Two of them refer to fields of the pod: its address and its name."""
    fields = {"status.podIP": "127.0.0.1", "metadata.name": pod["metadata"]["name"]}
    (container,) = pod["spec"]["containers"]
    return {
        one["name"]: one.get("value") or fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
        for one in container["env"]
        if "value" in one or "valueFrom" in one
    }


def start(class_list: Path, arguments: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start Spark as a pod does, with an option that lists the classes it loads."""
    listing = {"JAVA_TOOL_OPTIONS": f"-XX:DumpLoadedClassList={class_list}", "SPARK_DRIVER_MEMORY": MEMORY}
    # in a build the container cannot resolve its host name
    variables = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", **listing, **variables}
    return subprocess.Popen(["/usr/local/bin/entrypoint", *arguments], env=variables)  # noqa: S603


def free_port() -> int:
    """A free port: a build may share its network with other builds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def options(api: str, port: int) -> Iterator[str]:
    """The options of a server whose executors are pods."""
    conf = {
        "spark.master": f"k8s://{api}",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.maxExecutors": "1",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.executor.memory": MEMORY,
        "spark.kubernetes.container.image": "none",
        "spark.kubernetes.executor.disableConfigMap": "true",
        "spark.kubernetes.executor.enableApiWatcher": "false",
        "spark.ui.enabled": "false",
    }
    for name, value in conf.items():
        yield from ("--conf", f"{name}={value}")


def run_queries(folder: Path, port: int) -> None:
    """What users do first: aggregate, join, write, read, and apply a Python function."""
    spark = connect(port)
    spark.range(10).selectExpr("id % 3 k", "rand() x", "string(id) s").createOrReplaceTempView("t")
    spark.sql("select k, count(*), avg(x), max(s) from t group by k order by k").toArrow()
    table = spark.createDataFrame([(1, "a")], "i int, s string").join(spark.table("t"), "s", "left")
    table.write.parquet(str(folder / "table"))
    spark.read.parquet(str(folder / "table")).mapInArrow(
        lambda batches: batches, "s string, i int, k long, x double"
    ).collect()
    spark.stop()


def connect(port: int) -> SparkSession:
    """Connect to the server as soon as it answers."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return SparkSession.builder.remote(f"sc://127.0.0.1:{port}").create()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


@contextlib.contextmanager
def kubernetes() -> Iterator[str]:
    """Run the fake Kubernetes API; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeKubernetes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def merge(*lists: str) -> str:
    """Merge lists of classes, without ids, which are valid in one list only, and without classes of custom class loaders."""
    lines = {line.partition(" id: ")[0] for one in lists for line in one.splitlines() if " source: " not in line}
    return "".join(f"{line}\n" for line in sorted(lines) if not line.startswith("#"))


def main() -> None:
    """Run Spark, then make the archive of what it has loaded."""
    with tempfile.TemporaryDirectory() as name, kubernetes() as api:
        folder = FakeKubernetes.lists = Path(name)
        port = free_port()
        server = start(folder / "server", ["server", *options(api, port)], {})
        run_queries(folder, port)
        server.terminate()
        for process in (server, *FakeKubernetes.processes):
            process.wait(TIMEOUT)
        (folder / "all").write_text(merge((folder / "server").read_text(), (folder / "executor").read_text()))
        dump = [
            "-Xshare:dump",
            "-Xlog:disable",
            "-Xlog:all=error",
            f"-XX:SharedClassListFile={folder / 'all'}",
            f"-XX:SharedArchiveFile={sys.argv[1]}",
        ]
        subprocess.run(["/usr/bin/java", "@/opt/spark-conf/java.args", *dump], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
