"""The chart on a cluster: it comes up, a login ends in R, upgrades disturb nobody, and data outlive the release."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.helm.chart import CHART
from tests.cluster.helm.release import PROBE, Release, reachable, released, working
from tests.fixtures.hub import Client

pytestmark = pytest.mark.timeout(600)
PEOPLE = {"ada": ["flights", "spark"], "bob": ["flights"], "cleo": [], "dora": [], "emil": []}
"""Each with the services she uses."""
EVERYTHING = (
    "--set=hub.config.JupyterHub.active_server_limit=50",
    "--set=sharedServices.contact=the data team",
    "--set=spark.drivers.idle_stop=900",
)
"""What restarts hub, broker and gateway."""
SERVICES = {"flights": "ready", "spark": "ready"}
OURS = ("hub", "broker", "spark-gateway")
LOGIN_ROLES = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND starts_with(rolname, 'rc2_flights_as_')"


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


async def test_it_answers_through_the_ingress_and_the_broker_finds_its_database(outside: Client) -> None:
    async with asyncio.timeout(60):
        while (await outside.call("GET", "/services/rc2/api/health"))[1].get("services") != SERVICES:
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


IN_SPARK = """
con <- rc2::rc2_spark()
DBI::dbExecute(con, "CREATE TEMPORARY VIEW mine AS SELECT 41 AS x")
"""


async def test_an_upgrade_disturbs_nobody_who_works(release: Release, outside: Client) -> None:
    async with working(outside, **PEOPLE) as kernels, release.browser(min(PEOPLE)) as browser:
        with_spark, *others = kernels
        await asyncio.gather(with_spark.run(IN_SPARK), *(r.run("x <- 41") for r in others))
        before = release.pods()
        await asyncio.to_thread(release.upgrade, *EVERYTHING)
        after = release.pods()
        assert {name for name in before if before[name] != after.get(name)} == {"hub", "broker", "spark-gateway"}
        await reachable(outside)
        assert await asyncio.gather(*(r.run("cat(x + 1)") for r in others)) == ["42"] * len(others)
        assert (await with_spark.run("cat(DBI::dbGetQuery(con, 'SELECT x + 1 AS y FROM mine')$y)")).endswith("42")
        async with browser.get(f"{release.url}/hub/home") as page:
            assert (page.status, page.url.path) == (200, "/hub/home"), "logged out"
        for person in PEOPLE:
            status, model = await outside.call("GET", f"/hub/api/users/{person}")
            assert (status, model["servers"][""]["ready"]) == (200, True)


async def test_another_image_is_for_new_servers_only(release: Release, outside: Client) -> None:
    async with working(outside, old=[]) as (old,):
        before, (pod,) = release.pods(), release.servers("old")
        other = pod["status"]["containerStatuses"][0]["imageID"]  # the same one, by another name
        await asyncio.to_thread(release.upgrade, f"--set=hub.config.KubeSpawner.image={other}")
        assert {name for name, uid in release.pods().items() if before.get(name) != uid} == {"hub"}
        await reachable(outside)
        await asyncio.to_thread(eventually, lambda: images(release, "!hub.jupyter.org/username") == {other}, 120)
        async with working(outside, new=[]) as (new,):
            assert await asyncio.gather(old.run("cat(1)"), new.run("cat(2)")) == ["1", "2"]
            assert images(release, "hub.jupyter.org/username=new") == {other}
        assert images(release, "hub.jupyter.org/username=old") == {release.cluster.image("r-compute")}


def images(release: Release, selector: str) -> set[str]:
    """What compute servers are made of; those that are nobody's have no label of a person."""
    pods = release.compute.get("pods", "", f"--selector={selector}")
    return {pod["spec"]["containers"][0]["image"] for pod in pods}


async def test_a_server_that_nobody_uses_is_stopped_and_nothing_of_it_is_left(release: Release, outside: Client) -> None:
    async with working(outside, idle=["flights"]):
        assert psql(release, LOGIN_ROLES) == "1"
        await asyncio.to_thread(release.upgrade, "--set=cull.timeout=3,cull.every=2")
        await reachable(outside)
        await asyncio.to_thread(eventually, lambda: not release.servers("idle"), 60)
        await asyncio.to_thread(eventually, lambda: psql(release, LOGIN_ROLES) == "0")
        assert [route for route in (await outside.call("GET", "/hub/api/proxy"))[1] if "/user/" in route] == []


def test_who_is_told_to_end_ends_by_itself(release: Release) -> None:
    for component in OURS:
        release.namespace.exec(f"deployment/rc2-{component}", "python3", "-c", "import os; os.kill(1, 15)")
    for component in OURS:
        ended = eventually(lambda component=component: last_end(release, component))
        assert (ended["exitCode"], ended["reason"]) == (0, "Completed"), component
    release.namespace.wait("condition=Available", *(f"deployment/rc2-{component}" for component in OURS))


def last_end(release: Release, component: str) -> dict[str, Any]:
    """How the component's process has ended last."""
    (pod,) = release.namespace.get("pods", "", f"--selector=app.kubernetes.io/component={component}")
    ended: dict[str, Any] = pod["status"]["containerStatuses"][0]["lastState"].get("terminated", {})
    return ended


def test_secrets_and_pods_stay_when_nothing_changes(release: Release) -> None:
    pods, secrets = release.pods(), made_up(release)
    release.upgrade()
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
