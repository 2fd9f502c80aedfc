"""HDFS for single-user mode: a NameNode and a DataNode from PySpark's jars and one more, without a system package.

    python -m rc2hub.local.hdfs DIRECTORY

runs both in the foreground, as a service that JupyterHub manages. They listen on the loopback interface only, and end when
the hub ends or is killed. HDFS believes the name that a caller gives, and this is one machine: it separates no users.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from rc2hub.errors import Rc2Error
from rc2hub.gateways.java_command import LOG4J_PROPERTIES, LOOPBACK
from rc2hub.gateways.webhdfs_request import ACCOUNT, SUPERUSER
from rc2hub.local.ports import StoredPorts
from rc2hub.processes import end_with_parent, interrupt, start_server, stop_process

SPARK = Path(sys.prefix, "spark")
SERVERS = Path(sys.prefix, "hadoop", "servers.jar")
"""Hadoop's servers, which PySpark lacks; `make setup` gets them."""
LIBRARIES = (
    *("hadoop-client-api", "hadoop-client-runtime", "slf4j-api", "log4j-slf4j2-impl", "log4j-api", "log4j-core"),
    *("log4j-1.2-api", "jcl-over-slf4j", "javax.servlet-api", "jsr305"),
)
"""What the servers need of PySpark's jars."""
JAVA = (
    *("-Xms32m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    *("-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20"),  # the heap grows by what is used
)
NAMENODE, DATANODE = "server.namenode.NameNode", "server.datanode.DataNode"
PORTS = ("rpc", "web", "data", "data_web", "data_ipc")
RESTART_DELAY = 0.5
"""Seconds before a server that has ended is started again."""
STOP_TIMEOUT = 5.0
"""Seconds for a server to stop before it is killed."""


def is_installed() -> bool:
    """Whether Hadoop's servers are installed in this environment."""
    return SERVERS.exists()


def namenode(directory: Path, address: str = LOOPBACK) -> str:
    """The NameNode's HTTP address."""
    return f"http://{address}:{ports(directory).read()['web']}"


def ports(directory: Path) -> StoredPorts:
    """The servers' ports."""
    return StoredPorts(directory / "ports.json", *PORTS)


def spark_jars(libraries: Iterable[str]) -> list[str]:
    """The paths of these of PySpark's jars, which are named without their versions."""
    folders = sorted(SPARK.glob("lib/python3*/site-packages/pyspark/jars"))
    return [str(jar) for library in libraries for folder in folders for jar in folder.glob(f"{library}-[0-9]*.jar")]


class HdfsServers:
    """One NameNode and one DataNode in a directory."""

    def __init__(self, directory: Path, address: str = LOOPBACK, settings: Mapping[str, str] | None = None) -> None:
        """Write the configuration; `settings` are more of Hadoop's settings."""
        self.directory, self.address = directory, address
        self.temporary = directory / "java"
        """The servers' temporary files, which Java would leave in `/tmp`; a start removes those of the last one."""
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        conf = directory / "conf"
        conf.mkdir(mode=0o700, parents=True, exist_ok=True)
        (conf / "log4j2.properties").write_text(LOG4J_PROPERTIES)
        files: dict[str, dict[str, str]] = {"core-site.xml": {}, "hdfs-site.xml": {}}
        for name, value in {**self._settings(), **(settings or {})}.items():
            files["hdfs-site.xml" if name.startswith("dfs.") else "core-site.xml"][name] = value
        for file, properties in files.items():
            (conf / file).write_text(hadoop_settings(properties))

    def start(self) -> None:
        """Start both; the first time, format the NameNode.

        Raises:
            Rc2Error: if the NameNode cannot be formatted.
        """
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(mode=0o700)
        if not (self.directory / "name").exists():
            self._format()
        for server in (NAMENODE, DATANODE):
            self.start_server(server)

    def _format(self) -> None:
        """Format the NameNode in a folder that gets its name when it is complete, as a start can be interrupted."""
        draft = self.directory / "name.new"
        shutil.rmtree(draft, ignore_errors=True)
        formatted = self.run(NAMENODE, "-D", f"dfs.namenode.name.dir={draft}", "-format", "-nonInteractive")
        if formatted.returncode:
            reason = formatted.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise Rc2Error(f"HDFS cannot be set up in {self.directory}: {reason}")
        draft.rename(self.directory / "name")

    def start_server(self, server: str) -> None:
        """Start one of the two."""
        log = self.directory / f"{server.rpartition('.')[2].lower()}.log"
        self.processes[server] = start_server(self._java(server), self._variables(), log)

    def stop(self) -> None:
        """Stop both: the DataNode first, or it would wait for the NameNode."""
        for server in (DATANODE, NAMENODE):
            if server in self.processes:
                self.stop_server(server)

    def stop_server(self, server: str) -> None:
        """Stop one of the two."""
        stop_process(self.processes.pop(server), STOP_TIMEOUT)

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """Run one of HDFS's programs to its end, such as `tools.DFSAdmin`."""
        return subprocess.run(self._java(program, *arguments), env=self._variables(), capture_output=True, check=False)  # noqa: S603

    def _variables(self) -> dict[str, str]:
        # glibc would keep memory for each of many threads
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HADOOP_USER_NAME": SUPERUSER, "MALLOC_ARENA_MAX": "2"}

    def _java(self, program: str, *arguments: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self.directory / 'conf' / 'log4j2.properties'}"
        classes = ":".join([str(self.directory / "conf"), *spark_jars(LIBRARIES), str(SERVERS)])
        temporary = f"-Djava.io.tmpdir={self.temporary}"
        return ["java", *JAVA, log4j, temporary, "-cp", classes, f"org.apache.hadoop.hdfs.{program}", *arguments]

    def _settings(self) -> dict[str, str]:
        at = {name: f"{self.address}:{port}" for name, port in ports(self.directory).read().items()}
        return {
            "fs.defaultFS": f"hdfs://{at['rpc']}",
            "hadoop.tmp.dir": str(self.directory / "tmp"),
            # the gateway, and the DataNode, which asks the NameNode in a user's name too
            f"hadoop.proxyuser.{ACCOUNT}.hosts": self.address,
            f"hadoop.proxyuser.{ACCOUNT}.users": "*",
            # users of the hub have no account of this machine
            "hadoop.security.group.mapping": "org.apache.hadoop.security.NullGroupsMapping",
            "hadoop.http.staticuser.user": "anonymous",
            "dfs.replication": "1",
            "dfs.namenode.name.dir": str(self.directory / "name"),
            "dfs.datanode.data.dir": str(self.directory / "data"),
            "dfs.namenode.http-address": at["web"],
            "dfs.datanode.hostname": self.address,
            "dfs.datanode.address": at["data"],
            "dfs.datanode.http.address": at["data_web"],
            "dfs.datanode.ipc.address": at["data_ipc"],
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.namenode.safemode.extension": "0",
            "dfs.block.access.token.enable": "true",
            # a DataNode that closes a file before the NameNode knows of its block asks again; Hadoop waits 400 ms for that
            "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "10",
            "dfs.client.block.write.locateFollowingBlock.retries": "11",  # 20 s in all
        }


def hadoop_settings(settings: Mapping[str, str]) -> str:
    """A configuration file of Hadoop."""
    properties = (
        f"<property><name>{name}</name><value>{escape(value)}</value></property>" for name, value in settings.items()
    )
    return f"<configuration>{''.join(properties)}</configuration>"


def main() -> None:
    """Run both servers of a directory, and start each again if it ends, until SIGTERM."""
    end_with_parent()
    signal.signal(signal.SIGTERM, interrupt)
    servers = HdfsServers(Path(sys.argv[1]))
    try:
        servers.start()
        while True:
            _wait_for_end(servers)
            for server, process in list(servers.processes.items()):
                if process.poll() is not None:
                    time.sleep(RESTART_DELAY)
                    servers.start_server(server)
    except KeyboardInterrupt:
        servers.stop()
    except Rc2Error as error:
        sys.exit(f"rc2hub: {error}")


def _wait_for_end(servers: HdfsServers) -> None:
    """Wait until one of the servers has ended."""
    descriptors = [os.pidfd_open(process.pid) for process in servers.processes.values()]
    try:
        select.select(descriptors, [], [])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
