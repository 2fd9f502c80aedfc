"""The duration of a login on one machine, compared with JupyterHub's SimpleLocalProcessSpawner in alternating starts.

    python -m tests.bench.local

The probe is an external client: start request, kernel, websocket, `cat(6 * 7)` printed, all through the proxy.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from rc2hub.processes import free_ports
from tests.bench.report import entry, write
from tests.fixtures.hub import LOCAL, Client, Rc2

STARTS, ROUNDS, BURST = 20, 4, 5
REFILL_TIME = 7.0
"""Seconds between starts, so that the refill after a start is over before the next start."""
PEER = "SimpleLocalProcessSpawner"
PEER_CONFIG = """
import os
c = get_config()
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['RC2_HUB_PORT']}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:@HUB@"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:@API@"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = os.environ["RC2_HOME"] + "/homes/{username}"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.allow_all = True
c.Spawner.args = ["--allow-root"]
c.JupyterHub.services = [{"name": "probe", "api_token": os.environ["RC2_TEST_TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "probe", "services": ["probe"], "scopes": ["admin:users", "admin:servers", "access:servers"]}]
"""


async def first_result(rc2: Rc2, user: str, **options: object) -> tuple[float, float]:
    """Seconds from the start request to ready, and to the first result of R."""
    async with rc2.client() as client:
        await client.create(user)
    async with rc2.client() as client:  # a new connection, because the proxy closes idle ones
        began = time.perf_counter()
        status, answer = await client.start(user, **options)
        assert status == 201, answer
        ready = time.perf_counter() - began
        async with client.kernel(user) as r:
            assert "42" in await r.run("cat(6 * 7)")
            return ready, time.perf_counter() - began


async def one(rc2: Rc2, user: str, **options: object) -> tuple[float, float]:
    """One start and stop."""
    measured = await first_result(rc2, user, **options)
    async with rc2.client() as client:
        await client.stop(user)
    await asyncio.sleep(REFILL_TIME)
    return measured


async def burst(rc2: Rc2) -> float:
    """The slowest of five starts at once."""
    users = [f"b{uuid4().hex[:8]}" for _ in range(BURST)]
    measured = await asyncio.gather(*(first_result(rc2, user) for user in users))
    async with rc2.client() as client:
        for user in users:
            await client.stop(user)
    await asyncio.sleep(BURST * REFILL_TIME / 2)
    return max(first for _, first in measured)


async def live_attach(client: Client) -> float:
    """Seconds to attach PostgreSQL to a running server, until the response of the broker."""
    _, model = await client.call("POST", "/hub/api/users/alice/tokens", json={"note": "bench"})
    async with client.rc2.client(model["token"]) as alice:
        path = "/services/rc2/api/servers/alice/-/attachments/flights"
        began = time.perf_counter()
        status, answer = await alice.call("PUT", path, json={})
        took = time.perf_counter() - began
        assert status == 200, answer
        await alice.call("DELETE", path)
    return took


async def measure(ours: Rc2, theirs: Rc2) -> None:
    """Measure alternately and write the report."""
    await asyncio.sleep(BURST * REFILL_TIME)  # until the pool is full
    singles, peers, attached = [], [], []
    for _ in range(STARTS):
        singles.append(await one(ours, f"u{uuid4().hex[:8]}"))
        peers.append(await one(theirs, f"u{uuid4().hex[:8]}"))
        attached.append(await one(ours, "alice", services=["flights"]))
    bursts = [(await burst(ours), await burst(theirs)) for _ in range(ROUNDS)]
    first, peer_first = [pair[1] for pair in singles], [pair[1] for pair in peers]
    without = "the same without PostgreSQL"
    write(
        [
            entry("local: start to first R result", first, PEER, peer_first),
            entry("local: start to ready", [pair[0] for pair in singles], PEER, [pair[0] for pair in peers]),
            entry("local: burst of 5, slowest first R result", [b[0] for b in bursts], PEER, [b[1] for b in bursts]),
            entry("local: start to first R result with PostgreSQL", [pair[1] for pair in attached], PEER, peer_first),
            entry("local: attach PostgreSQL alone", await attach_alone(ours), "the same start without", first),
        ]
    )
    print(
        f"PostgreSQL adds {1e3 * (sorted(p[1] for p in attached)[STARTS // 2] - sorted(first)[STARTS // 2]):.0f} ms ({without})"
    )


async def attach_alone(rc2: Rc2) -> list[float]:
    """Attach PostgreSQL to a running server, several times."""
    async with rc2.client() as client:
        await client.create("alice")
        await client.start("alice")
        return [await live_attach(client) for _ in range(STARTS)]


def main() -> None:
    """Start both hubs, measure, stop both."""
    with tempfile.TemporaryDirectory() as folder:
        hub, api = free_ports(2)
        (local := Path(folder, "ours.py")).write_text(LOCAL.read_text().replace('"spare": 2', f'"spare": {BURST}'))
        (peer := Path(folder, "peer.py")).write_text(PEER_CONFIG.replace("@HUB@", str(hub)).replace("@API@", str(api)))
        ours, theirs = Rc2(Path(folder, "ours"), local=local), Rc2(Path(folder, "theirs"), peer)
        ours.start()
        theirs.start()
        try:
            asyncio.run(measure(ours, theirs))
        finally:
            ours.stop()
            theirs.stop()


if __name__ == "__main__":
    sys.exit(main())
