"""The chart on a cluster: it comes up, a login ends in R, upgrades disturb nobody, and data outlive the release."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.helm.chart import CHART
from tests.cluster.helm.release import PROBE, Release, released
from tests.fixtures.hub import Client

pytestmark = pytest.mark.timeout(600)
PEOPLE = [f"person{number}" for number in range(5)]


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[Release]:
    values = {
        "postgresql.enabled": True,
        "postgresql.storage.size": "1Gi",
        "postgresql.databases": {"flights": {"display_name": "Flights"}},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "writers", "groups": ["editors"], "scopes": ["custom:rc2:flights:write"]},
        ],
    }
    with released(cluster, **values) as release:
        release.install()
        yield release


@pytest.fixture
async def outside(release: Release) -> AsyncIterator[Client]:
    async with release.client() as client:
        await reachable(client)
        yield client


async def reachable(client: Client) -> None:
    """Wait until the Ingress and the proxy know each other."""
    async with asyncio.timeout(60):
        while (await client.call("GET", "/hub/api/"))[0] != 200:
            await asyncio.sleep(0.5)


async def test_it_answers_through_the_ingress_and_the_broker_finds_its_database(outside: Client) -> None:
    async with asyncio.timeout(60):
        while (await outside.call("GET", "/services/rc2/api/health"))[1].get("services") != {"flights": "ready"}:
            await asyncio.sleep(0.5)


def test_helm_test_logs_in_and_runs_r(release: Release) -> None:
    assert "R answers: {'name': 'stdout', 'text': '2'}" in release.helm("test", "rc2", "--logs", "--timeout=4m")


def test_the_next_three_commands_are_said(release: Release) -> None:
    notes = release.helm("get", "notes", "rc2")
    assert notes.count(f"--namespace {release.namespace.name}") >= 2
    assert f"https://{release.host}/" in notes
    assert "leaves people's homes" in notes


RIGHTS = [
    ("compute", "create", "pods", True),
    ("compute", "get", "pods/exec", True),
    ("compute", "list", "events", True),
    ("compute", "get", "secrets", False),
    ("compute", "delete", "persistentvolumeclaims", False),
    ("compute", "create", "deployments.apps", True),
    ("compute", "create", "daemonsets.apps", False),
    ("release", "get", "secrets", False),
    ("release", "list", "pods", False),
    ("release", "create", "pods/exec", False),
    ("cluster", "list", "pods", False),
    ("cluster", "get", "nodes", False),
    ("cluster", "get", "namespaces", False),
]


@pytest.mark.parametrize(("where", "verb", "what", "may"), RIGHTS)
def test_the_hub_may_do_this_and_not_that(release: Release, where: str, verb: str, what: str, may: bool) -> None:
    account = f"--as=system:serviceaccount:{release.namespace.name}:rc2-hub"
    place = {
        "compute": f"--namespace={release.compute.name}",
        "release": f"--namespace={release.namespace.name}",
        "cluster": "--all-namespaces",
    }[where]
    try:
        said = release.cluster.kubectl("auth", "can-i", verb, what, account, place)
    except AssertionError as refused:
        said = str(refused)
    assert said.strip().endswith("yes" if may else "no"), said


async def test_an_upgrade_disturbs_nobody_who_works(release: Release, outside: Client) -> None:
    async with AsyncExitStack() as work:
        kernels = []
        for person in PEOPLE:
            await outside.create(person)
            assert (await outside.start(person))[0] == 201
            work.push_async_callback(outside.stop, person)
            kernels.append(await work.enter_async_context(outside.kernel(person)))
        await asyncio.gather(*(r.run("x <- 41") for r in kernels))
        browser = await work.enter_async_context(release.browser(PEOPLE[0]))
        before = release.pods()
        everything = ["--set=hub.config.JupyterHub.active_server_limit=50", "--set=sharedServices.contact=the data team"]
        await asyncio.to_thread(release.install, *everything)
        after = release.pods()
        assert {name for name in before if before[name] != after.get(name)} == {"hub", "broker"}
        assert await asyncio.gather(*(r.run("cat(x + 1)") for r in kernels)) == ["42"] * len(PEOPLE)
        await reachable(outside)
        async with browser.get(f"{release.url}/hub/home") as page:
            assert (page.status, page.url.path) == (200, "/hub/home"), "logged out"
        for person in PEOPLE:
            status, model = await outside.call("GET", f"/hub/api/users/{person}")
            assert (status, model["servers"][""]["ready"]) == (200, True)


async def test_another_image_is_for_new_servers_only(release: Release, outside: Client) -> None:
    image = release.cluster.image("r-compute")
    await asyncio.to_thread(release.install)
    await reachable(outside)
    await outside.create("old")
    assert (await outside.start("old"))[0] == 201
    before = release.pods()
    await asyncio.to_thread(release.install, f"--set=hub.config.KubeSpawner.image={image}-not-there")
    assert {name for name, pod in release.pods().items() if before.get(name) != pod} == {"hub"}
    assert release.compute.get("pod", "jupyter-old")["spec"]["containers"][0]["image"] == image
    await reachable(outside)
    async with outside.kernel("old") as r:
        assert await r.run("cat(1)") == "1"
    await outside.stop("old")


def test_secrets_and_pods_stay_when_nothing_changes(release: Release) -> None:
    release.install()
    pods, secrets = release.pods(), made_up(release)
    release.install()
    assert made_up(release) == secrets
    assert release.pods() == pods
    jobs = {job["metadata"]["name"]: job["status"].get("succeeded") for job in release.namespace.get("jobs")}
    eventually(lambda: all(job["status"].get("succeeded") for job in release.namespace.get("jobs")), 60)
    assert len(jobs) == 1, "the job of an earlier revision is left"


def made_up(release: Release) -> dict[str, dict[str, str]]:
    return {name: release.namespace.get("secret", name)["data"] for name in ("rc2", "rc2-postgresql")}


async def test_what_was_backed_up_as_documented_comes_back(release: Release, outside: Client, tmp_path: Path) -> None:
    backup, restore = DOCUMENT.read_text().split("## Backup and restore")[1].split("```sh\n")[1:3]
    backup, restore = (block.split("```")[0] for block in (backup, restore))
    await outside.create("backed-up")
    psql(release, "CREATE TABLE kept AS SELECT 42 AS answer")
    await asyncio.to_thread(shell, release, tmp_path, backup)
    await outside.create("later")
    psql(release, "DROP TABLE kept")
    await asyncio.to_thread(shell, release, tmp_path, backup.split("\n\n")[0] + "\n" + restore)
    release.namespace.kubectl("rollout", "status", "deployment/rc2-hub", "--timeout=60s", timeout=70)
    await reachable(outside)
    assert psql(release, "SELECT answer FROM kept") == "42"
    assert (await outside.call("GET", "/hub/api/users/backed-up"))[0] == 200
    assert (await outside.call("GET", "/hub/api/users/later"))[0] == 404
    assert "broker-token:" in (tmp_path / "secrets.yaml").read_text()


def shell(release: Release, folder: Path, commands: str) -> None:
    """Run commands of the document for this release."""
    kubectl = f'kubectl() {{ {release.cluster.settings["KUBECTL"]} "$@"; }}\ncd {folder}\n'
    here = commands.replace("--namespace rc2", f"--namespace {release.namespace.name}")
    release.cluster.run("bash", "-euo", "pipefail", "-c", kubectl + here, timeout=120)


AS_POSTGRES = "PGUSER=postgres PGHOST=127.0.0.1 PGPASSWORD=$(cat /etc/rc2hub/postgresql/postgres-password)"
DOCUMENT = CHART.parents[1] / "docs" / "kubernetes.md"


def psql(release: Release, statement: str, database: str = "flights") -> str:
    command = f'{AS_POSTGRES} psql --no-align --tuples-only --command="{statement}" {database}'
    return release.namespace.exec("rc2-postgresql-0", "sh", "-c", command).strip()


async def test_what_is_kept_over_an_uninstall_is_there_again(release: Release, outside: Client) -> None:
    await outside.create("ada")
    psql(release, "CREATE TABLE stays AS SELECT 7 AS number")
    secrets = made_up(release)
    said = await asyncio.to_thread(release.helm, "uninstall", "rc2", "--wait")
    assert "PersistentVolumeClaim" in said
    assert "rc2-homes" in said
    eventually(lambda: not release.pods(), 60)
    assert {claim["metadata"]["name"] for claim in release.namespace.get("pvc")} == {"rc2-hub", "data-rc2-postgresql-0"}
    assert [claim["metadata"]["name"] for claim in release.compute.get("pvc")] == ["rc2-homes"]
    await asyncio.to_thread(release.install)
    assert made_up(release) == secrets
    assert psql(release, "SELECT number FROM stays") == "7"
    await reachable(outside)
    assert (await outside.call("GET", "/hub/api/users/ada"))[0] == 200


def test_no_user_token_or_password_is_in_what_kubernetes_keeps_of_the_pods(release: Release) -> None:
    secrets = [value for secret in made_up(release).values() for value in secret.values()]
    kept = json.dumps([release.namespace.get(kind) for kind in ("pods", "deployments", "configmaps", "events")])
    assert not [value for value in secrets if value in kept]
