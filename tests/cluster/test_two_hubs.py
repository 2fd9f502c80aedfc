"""Two hubs in one namespace and on one PostgreSQL server, with the same users: what one does never touches the other's."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rc2hub.local import database
from tests.cluster.cluster import Cluster, eventually
from tests.cluster.hub import KubeHub, namespace_of_hubs
from tests.fixtures.hub import Client
from tests.fixtures.postgres import Postgres

pytestmark = pytest.mark.timeout(900)
USERS = ["ada", "bob", "cleo", "dan", "eve"]
STATE = ["jupyterhub.sqlite", "rc2_installation"]
"""What an operator saves of a hub (docs/operate.md)."""


@pytest.fixture(scope="module")
def hubs(cluster: Cluster, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[KubeHub]]:
    """Two hubs that offer the same database under the same name, and a backup of each before its first login."""
    with postgres.connect("postgres") as admin:
        admin.execute("CREATE DATABASE two_hubs")
    services = {"flights": {"kind": "postgres", **database.entry(postgres.directory, "two_hubs")}}
    with ExitStack() as stack:
        namespace = stack.enter_context(namespace_of_hubs(cluster))
        hubs = []
        for name in ("first", "second"):
            hub = KubeHub(
                tmp_path_factory.mktemp(name) / "hub", namespace, services=services, grants=["flights:write"], spare=1
            )
            hub.start()
            stack.callback(hub.stop)
            hubs.append(hub)
        yield hubs
    with postgres.connect("postgres") as admin:
        admin.execute("DROP DATABASE two_hubs WITH (FORCE)")


def save(hub: KubeHub, folder: Path) -> None:
    """Copy what an operator saves, while the hub is stopped."""
    for name in STATE:
        shutil.copy(hub.home / name, folder / name)


class Work:
    """What the users of a hub have: pods, login roles, and sessions in PostgreSQL.

    The tests' PostgreSQL listens on this machine only, so the sessions begin here, with the password in the user's pod.
    """

    def __init__(self, hub: KubeHub, postgres: Postgres) -> None:
        self.hub, self.postgres = hub, postgres
        self.sessions: dict[str, psycopg.Connection[Any]] = {}
        self.pods: list[str] = []

    async def begin(self, client: Client) -> None:
        """Five users log in and write a table; their sessions stay open."""
        for user in USERS:
            await client.create(user)
            await client.call("POST", "/hub/api/groups/analysts/users", json={"users": [user]})
            assert (await client.start(user, services=["flights:write"]))[0] == 201
            async with client.kernel(user) as r:
                self.pods.append(await r.run('cat(Sys.info()[["nodename"]])'))
                host, port, database, role, password = (await r.run('cat(readLines(Sys.getenv("PGPASSFILE")))')).split(":")
            session = psycopg.connect(host=host, port=port, dbname=database, user=role, password=password, autocommit=True)
            session.execute(f"CREATE TABLE of_{user}_{len(self.existing_roles())} AS SELECT 1 AS n")
            self.sessions[role] = session

    def existing_roles(self) -> list[str]:
        """All login roles of Rc²."""
        with self.postgres.connect("postgres") as admin:
            found = admin.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'rc2%'")
            return [name for (name,) in found]

    def state(self) -> dict[str, Any]:
        """Everything that another hub could touch."""
        running = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.hub.namespace.get("pods")}
        return {
            "pods": {name: running.get(name) for name in self.pods},
            "roles": sorted(self.sessions.keys() & set(self.existing_roles())),
            "sessions": {role: _answer(session) for role, session in self.sessions.items()},
        }


def _answer(session: psycopg.Connection[Any]) -> str:
    """What a session answers; the sentence of its end if it has ended."""
    try:
        row = session.execute("SELECT session_user").fetchone()
        return str(row and row[0])
    except psycopg.OperationalError as error:
        return str(error)


async def log_in(client: Client, user: str) -> None:
    """A further user logs in, works and logs out."""
    await client.create(user)
    await client.call("POST", "/hub/api/groups/analysts/users", json={"users": [user]})
    assert (await client.start(user, services=["flights:write"]))[0] == 201
    async with client.kernel(user) as r:
        assert await r.run("cat(rc2::rc2_services()$attached)") == "TRUE"
    await client.stop(user)


async def test_restarts_and_a_restored_backup_touch_nothing_of_the_other_hub(
    hubs: list[KubeHub], postgres: Postgres, tmp_path: Path
) -> None:
    first, second = hubs
    second.stop()
    save(second, tmp_path)  # a backup from before its users' servers
    second.start()
    works = [Work(hub, postgres) for hub in hubs]
    for work in works:
        async with work.hub.client() as client:
            await work.begin(client)
    before = [work.state() for work in works]
    assert all(state["sessions"] == {role: role for role in state["roles"]} for state in before)
    assert all(len(state["roles"]) == len(state["pods"]) == len(USERS) for state in before)

    for hub in hubs:
        hub.kill()  # a hub that is stopped by SIGTERM stops its servers, unless `cleanup_servers` is off as in the chart
        hub.start()
        async with hub.client() as client:
            await log_in(client, "fay")
        assert [work.state() for work in works] == before

    second.kill()
    for name in STATE:
        shutil.copy(tmp_path / name, second.home / name)
    second.start()
    # it knows none of its five servers any more: it revokes their roles, and names their pods to the operator
    eventually(lambda: not works[1].state()["roles"])
    eventually(
        lambda: all(
            f"The pod {pod} is a running server that this hub does not know" in second.log() for pod in works[1].pods
        )
    )
    assert works[1].state()["pods"] == before[1]["pods"]
    assert works[0].state() == before[0]
    assert not any(pod in second.log() for pod in works[0].pods)
    for hub in hubs:
        async with hub.client() as client:
            await log_in(client, "gil")
    assert works[0].state() == before[0]
    async with first.client() as client:
        for user in USERS:
            await client.stop(user)
    eventually(lambda: not works[0].state()["roles"])
