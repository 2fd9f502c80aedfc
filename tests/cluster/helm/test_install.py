"""The chart on a cluster: it becomes ready, a login leads to R, upgrades disturb no user, and data outlive the release."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.helm.chart import CHART
from tests.cluster.helm.release import PROBE, Release, released, wait_for_services, wait_until_reachable, working
from tests.fixtures.hub import Client

pytestmark = pytest.mark.timeout(600)
USERS = {"ada": ["flights", "spark"], "bob": ["flights"], "cleo": [], "dora": [], "emil": []}
"""User to services."""
EVERYTHING = (
    "--set=hub.config.JupyterHub.active_server_limit=50",
    "--set=sharedServices.contact=the data team",
    "--set=spark.drivers.idle_stop=900",
)
"""These values restart hub, broker and gateway."""
SERVICES = ("flights", "spark")
OURS = ("hub", "broker", "spark-gateway")
LOGIN_ROLES = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ '^rc2_.*_as_'"


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[Release]:
    values = {
        "postgresql.enabled": True,
        "postgresql.storage.size": "1Gi",
        "postgresql.databases": {"flights": {"display_name": "Flights"}},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "writers", "groups": ["editors"], "scopes": ["custom:rc2:flights:write", "custom:rc2:spark:use"]},
        ],
        "spark.enabled": True,
        "spark.drivers.memory": "512m",
        "spark.resources.requests": {"cpu": "10m", "memory": "64Mi"},
    }
    cluster.image("spark")
    with released(cluster, **values) as release:
        release.install()
        yield release


async def test_the_ingress_reaches_the_broker_and_its_services_are_ready(outside: Client) -> None:
    await wait_for_services(outside, *SERVICES)


def test_helm_test_logs_in_and_runs_r(release: Release) -> None:
    assert "R answers: {'name': 'stdout', 'text': '2'}" in release.helm("test", "rc2", "--logs", "--timeout=4m")


def test_the_notes_show_the_next_steps(release: Release) -> None:
    notes = release.helm("get", "notes", "rc2")
    assert notes.count(f"--namespace {release.namespace.name}") >= 2
    assert f"https://{release.host}/" in notes
    assert "keeps the users' homes" in notes


PERMISSIONS = [
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


@pytest.mark.parametrize(("scope", "verb", "resource", "allowed"), PERMISSIONS)
def test_the_hub_has_only_these_permissions(release: Release, scope: str, verb: str, resource: str, allowed: bool) -> None:
    account = f"--as=system:serviceaccount:{release.namespace.name}:rc2-hub"
    option = {
        "compute": f"--namespace={release.compute.name}",
        "release": f"--namespace={release.namespace.name}",
        "cluster": "--all-namespaces",
    }[scope]
    try:
        output = release.cluster.kubectl("auth", "can-i", verb, resource, account, option)
    except AssertionError as denied:
        output = str(denied)
    assert output.strip().endswith("yes" if allowed else "no"), output


IN_SPARK = """
con <- rc2::rc2_spark()
DBI::dbExecute(con, "CREATE TEMPORARY VIEW mine AS SELECT 41 AS x")
"""


async def test_an_upgrade_does_not_disturb_users(release: Release, outside: Client) -> None:
    async with working(outside, **USERS) as kernels, release.browser(min(USERS)) as browser:
        with_spark, *others = kernels
        await asyncio.gather(with_spark.run(IN_SPARK), *(r.run("x <- 41") for r in others))
        before = release.pods()
        await asyncio.to_thread(release.upgrade, *EVERYTHING)
        after = release.pods()
        assert {name for name in before if before[name] != after.get(name)} == {"hub", "broker", "spark-gateway"}
        await wait_until_reachable(outside)
        assert await asyncio.gather(*(r.run("cat(x + 1)") for r in others)) == ["42"] * len(others)
        assert (await with_spark.run("cat(DBI::dbGetQuery(con, 'SELECT x + 1 AS y FROM mine')$y)")).endswith("42")
        async with browser.get(f"{release.url}/hub/home") as page:
            assert (page.status, page.url.path) == (200, "/hub/home"), "logged out"
        for user in USERS:
            status, model = await outside.call("GET", f"/hub/api/users/{user}")
            assert (status, model["servers"][""]["ready"]) == (200, True)


async def test_only_new_servers_use_another_image(release: Release, outside: Client) -> None:
    async with working(outside, old=[]) as (old,):
        before, (pod,) = release.pods(), release.servers("old")
        other = pod["status"]["containerStatuses"][0]["imageID"]  # the same image by its ID
        await asyncio.to_thread(release.upgrade, f"--set=hub.config.KubeSpawner.image={other}")
        assert {name for name, uid in release.pods().items() if before.get(name) != uid} == {"hub"}
        await wait_until_reachable(outside)
        await asyncio.to_thread(eventually, lambda: images(release, "!hub.jupyter.org/username") == {other})
        async with working(outside, new=[]) as (new,):
            assert await asyncio.gather(old.run("cat(1)"), new.run("cat(2)")) == ["1", "2"]
            assert images(release, "hub.jupyter.org/username=new") == {other}
        assert images(release, "hub.jupyter.org/username=old") == {release.cluster.image("r-compute")}


def images(release: Release, selector: str) -> set[str]:
    """The images of the compute servers; standbys have no username label."""
    pods = release.compute.get("pods", "", f"--selector={selector}")
    return {pod["spec"]["containers"][0]["image"] for pod in pods}


async def test_an_idle_server_is_stopped_and_leaves_nothing(release: Release, outside: Client) -> None:
    async with working(outside, idle=["flights"]):
        assert psql(release, LOGIN_ROLES) == "1"
        await asyncio.to_thread(release.upgrade, "--set=cull.timeout=3,cull.every=2")
        await wait_until_reachable(outside)
        await asyncio.to_thread(eventually, lambda: not release.servers("idle"))
        await asyncio.to_thread(eventually, lambda: psql(release, LOGIN_ROLES) == "0")
        assert [route for route in (await outside.call("GET", "/hub/api/proxy"))[1] if "/user/" in route] == []


def test_each_component_exits_on_sigterm(release: Release) -> None:
    for component in OURS:
        release.namespace.exec(f"deployment/rc2-{component}", "python3", "-c", "import os; os.kill(1, 15)")
    for component in OURS:
        ended = eventually(lambda component=component: last_end(release, component))
        assert (ended["exitCode"], ended["reason"]) == (0, "Completed"), component
    release.namespace.wait("condition=Available", *(f"deployment/rc2-{component}" for component in OURS))


def last_end(release: Release, component: str) -> dict[str, Any]:
    """The last termination of the component's process."""
    (pod,) = release.namespace.get("pods", "", f"--selector=app.kubernetes.io/component={component}")
    ended: dict[str, Any] = pod["status"]["containerStatuses"][0]["lastState"].get("terminated", {})
    return ended


def test_secrets_and_pods_stay_when_nothing_changes(release: Release) -> None:
    pods, secrets = release.pods(), generated_secrets(release)
    release.upgrade()
    assert generated_secrets(release) == secrets
    assert release.pods() == pods
    jobs = {job["metadata"]["name"]: job["status"].get("succeeded") for job in release.namespace.get("jobs")}
    eventually(lambda: all(job["status"].get("succeeded") for job in release.namespace.get("jobs")))
    assert len(jobs) == 1, "the job of an earlier revision still exists"


def generated_secrets(release: Release) -> dict[str, dict[str, str]]:
    return {name: release.namespace.get("secret", name)["data"] for name in ("rc2", "rc2-postgresql")}


async def test_the_documented_backup_can_be_restored(release: Release, outside: Client, tmp_path: Path) -> None:
    backup, restore = documented()[:2]
    await outside.create("backed-up")
    psql(release, "CREATE TABLE kept AS SELECT 42 AS answer")
    await asyncio.to_thread(shell, release, tmp_path, backup)
    await outside.create("later")
    psql(release, "DROP TABLE kept")
    await asyncio.to_thread(shell, release, tmp_path, backup.split("\n\n")[0] + "\n" + restore)
    release.namespace.kubectl("rollout", "status", "deployment/rc2-hub", "--timeout=240s", timeout=250)
    await wait_until_reachable(outside)
    assert psql(release, "SELECT answer FROM kept") == "42"
    assert (await outside.call("GET", "/hub/api/users/backed-up"))[0] == 200
    assert (await outside.call("GET", "/hub/api/users/later"))[0] == 404
    assert "broker-token:" in (tmp_path / "secrets.yaml").read_text()


def documented() -> list[str]:
    """The commands about backup and restore: of all, and of Hive's metastore. The first paragraph is for all of them."""
    section = DOCUMENT.read_text().split("## Backup and restore")[1].split("\n## ")[0]
    return [block.split("```")[0] for block in section.split("```sh\n")[1:]]


def shell(release: Release, folder: Path, commands: str) -> None:
    """Run commands from the document for this release."""
    kubectl = f'kubectl() {{ {release.cluster.settings["KUBECTL"]} "$@"; }}\ncd {folder}\n'
    adapted = commands.replace("--namespace rc2", f"--namespace {release.namespace.name}")
    release.cluster.run("bash", "-euo", "pipefail", "-c", kubectl + adapted, timeout=120)


AS_POSTGRES = "PGUSER=postgres PGHOST=127.0.0.1 PGPASSWORD=$(cat /etc/rc2hub/postgresql/postgres-password)"
DOCUMENT = CHART.parents[1] / "docs" / "operate.md"


def psql(release: Release, statement: str, database: str = "flights") -> str:
    command = f'{AS_POSTGRES} psql --no-align --tuples-only --command="{statement}" {database}'
    return release.namespace.exec("rc2-postgresql-0", "sh", "-c", command).strip()


async def test_data_are_kept_over_an_uninstall(release: Release, outside: Client) -> None:
    await outside.create("ada")
    psql(release, "CREATE TABLE stays AS SELECT 7 AS number")
    secrets = generated_secrets(release)
    output = await asyncio.to_thread(release.helm, "uninstall", "rc2", "--wait")
    assert "PersistentVolumeClaim" in output
    assert "rc2-homes" in output
    eventually(lambda: not release.pods())
    assert {claim["metadata"]["name"] for claim in release.namespace.get("pvc")} == {"rc2-hub", "data-rc2-postgresql-0"}
    assert [claim["metadata"]["name"] for claim in release.compute.get("pvc")] == ["rc2-homes"]
    await asyncio.to_thread(release.install)
    assert generated_secrets(release) == secrets
    assert psql(release, "SELECT number FROM stays") == "7"
    await wait_until_reachable(outside)
    assert (await outside.call("GET", "/hub/api/users/ada"))[0] == 200


def test_no_generated_secret_is_in_pods_deployments_configmaps_or_events(release: Release) -> None:
    secrets = [value for secret in generated_secrets(release).values() for value in secret.values()]
    kept = json.dumps([release.namespace.get(kind) for kind in ("pods", "deployments", "configmaps", "events")])
    assert not [value for value in secrets if value in kept]
