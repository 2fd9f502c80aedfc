"""What outages of Kubernetes do to the pool and to logins, as a timeline, and how long after each the logins are warm again.

    python -m tests.bench.outages [SECONDS …]

A hub with two standbys; every twenty seconds a user logs in, works and logs out. The outages, each on a hub that is not restarted:
the API server is away for so many seconds (180 and 600), its packets are dropped without an answer, and one node refuses exec.
It is no comparison, so it writes no entry: the table is the result.
"""

import asyncio
import contextlib
import dataclasses
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.cluster.cluster import Cluster, Namespace, eventually, find
from tests.cluster.hub import KubeHub, namespace_of_hubs, standbys
from tests.fixtures.hub import Client

SPARE = 2
INTERVAL = 20.0
"""Seconds between two logins."""
LOGIN_TIMEOUT = 100.0
"""Seconds for which a login is followed; the hub's own limit is 60."""
WARM = 2.0
"""A login within so many seconds had a standby; a new pod takes four and more."""
RECOVERY = 180.0
"""Seconds after an outage in which logins have to be warm again."""
RELAYED_PORT = 16443
"""The port under which the hub knows the API server, so that only its packets can be dropped."""
CUT = "type nat hook output priority -100; ip daddr %(host)s tcp dport %(port)d dnat ip to %(host)s:6443;"
DROP = "type filter hook output priority 0; meta l4proto tcp ct original proto-dst %d drop;"
REFUSE = "type filter hook output priority 0; ip daddr %s tcp dport 10250 reject with tcp reset;"


@contextmanager
def nft_table(name: str, chain: str) -> Iterator[None]:
    """A table of nftables with one chain, removed at the end."""
    rules = f"table inet {name} {{\n  chain rc2 {{ {chain} }}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", name], check=True)


@contextmanager
def api_server_away(cluster: Cluster, _node: str) -> Iterator[None]:
    """The API server is stopped."""
    cluster.machine("stop", "kube-apiserver")
    try:
        yield
    finally:
        cluster.machine("start", "kube-apiserver")
        cluster.machine("restart-watchers")


@contextmanager
def packets_dropped(_cluster: Cluster, _node: str) -> Iterator[None]:
    """Packets between hub and API server get no answer, and no connection is reset."""
    with nft_table("rc2_test_drop", DROP % RELAYED_PORT):
        yield


@contextmanager
def exec_refused(cluster: Cluster, node: str) -> Iterator[None]:
    """The kubelet of one node refuses connections, so no standby on it can be reached."""
    addresses = cluster.get("node", node)["status"]["addresses"]
    address = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    with nft_table("rc2_test_drop", REFUSE % address):
        yield


@contextmanager
def relayed(cluster: Cluster, folder: Path) -> Iterator[Cluster]:
    """The same cluster, whose API server has another port."""
    host, kubeconfig = cluster.settings["RC2_HOST_IP"], folder / "kubeconfig"
    text = Path(cluster.settings["KUBECONFIG"]).read_text()
    kubeconfig.write_text(re.sub(r"https://[\d.]+:6443", f"https://{host}:{RELAYED_PORT}", text))
    with nft_table("rc2_test_cut", CUT % {"host": host, "port": RELAYED_PORT}):
        yield dataclasses.replace(cluster, settings={**cluster.settings, "KUBECONFIG": str(kubeconfig)})


@contextmanager
def running_hub(cluster: Cluster, folder: Path) -> Iterator[KubeHub]:
    """A hub that reaches the API server under the other port, with all its standbys ready."""
    with relayed(cluster, folder) as other, namespace_of_hubs(cluster) as namespace:
        hub = KubeHub(folder / "hub", Namespace(other, namespace.name), spare=SPARE)
        hub.start()
        try:
            eventually(lambda: len(standbys(hub)) == SPARE, 120)
            yield hub
        finally:
            hub.kill()


class Timeline:
    """Logins and pool, as lines that are printed when they happen."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name, self._began = client, name, time.monotonic()
        self.last_warm = 0.0
        """When the last login that had a standby began, on the monotonic clock."""

    async def follow(self, prefix: str) -> None:
        """Log in again and again until cancelled."""
        tasks = set()
        number = 0
        while True:
            number += 1
            tasks.add(asyncio.create_task(self._login(f"{prefix}{number}")))
            await asyncio.sleep(INTERVAL)

    def note(self, text: str) -> None:
        """Print a line with the seconds since the begin."""
        print(f"{self._name:22} {time.monotonic() - self._began:6.0f} s  {text}", flush=True)

    async def _login(self, user: str) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT):
                await self._client.create(user)
                status, event = await self._client.start(user)
            seconds = time.monotonic() - began
            if status == 201 and seconds < WARM:
                self.last_warm = began
            message = "" if status == 201 else re.sub(r"<[^>]+>", "", str(event))[:160]
            self.note(f"{'R' if status == 201 else 'no R'} after {seconds:5.1f} s; {await self._pool()}  {message}")
            with contextlib.suppress(AssertionError):
                await self._client.stop(user)
        except TimeoutError:
            self.note(f"no answer after {LOGIN_TIMEOUT:.0f} s; {await self._pool()}")

    async def _pool(self) -> str:
        """The standbys by state, as the hub's metrics say."""
        _, text = await self._client.call("GET", "/hub/metrics")
        found = re.findall(r'rc2_pool_standbys\{profile="r",state="(\w+)"\} (\d+)', str(text))
        return ", ".join(f"{state} {number}" for state, number in found)


async def watch_outage(
    hub: KubeHub, cluster: Cluster, name: str, seconds: float, outage: Callable[[Cluster, str], AbstractContextManager[None]]
) -> float:
    """Follow the logins through an outage; the seconds from its end to the first warm login, infinite if there is none."""
    node = cluster.settings["RC2_NODES"].split(",")[0]
    async with hub.client() as client, following(client, name) as timeline:
        await asyncio.sleep(2 * INTERVAL)
        timeline.note("outage begins")
        with outage(cluster, node):
            await asyncio.sleep(seconds)
        ended = time.monotonic()
        timeline.note("outage ends")
        while timeline.last_warm < ended and time.monotonic() < ended + RECOVERY:
            await asyncio.sleep(1)
        return timeline.last_warm - ended if timeline.last_warm > ended else float("inf")


@contextlib.asynccontextmanager
async def following(client: Client, name: str) -> AsyncIterator[Timeline]:
    """A timeline whose logins go on during the block."""
    timeline = Timeline(client, name)
    logins = asyncio.create_task(timeline.follow(f"{name.replace(' ', '-').lower()}-"))
    try:
        yield timeline
    finally:
        logins.cancel()


def main() -> None:
    """Run the outages one after the other, and print the table."""
    cluster = find()
    lengths = [float(seconds) for seconds in sys.argv[1:]] or [180.0, 600.0]
    outages = [
        *((f"API away {seconds:.0f} s", seconds, api_server_away) for seconds in lengths),
        ("packets dropped", lengths[0], packets_dropped),
        ("exec refused", 60.0, exec_refused),
    ]
    with tempfile.TemporaryDirectory() as folder, running_hub(cluster, Path(folder)) as hub:
        found = [(name, asyncio.run(watch_outage(hub, cluster, name, seconds, fault))) for name, seconds, fault in outages]
        for name, seconds in found:
            print(f"{name:22} first warm login {seconds:5.1f} s after its end")


if __name__ == "__main__":
    main()
