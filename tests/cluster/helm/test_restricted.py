"""The chart with compute servers of the level "restricted": no pod starts as root, and R works."""

import json
from collections.abc import Iterator

import pytest

from rc2hub.hub.spawners.accounts import default_uid
from tests.cluster.cluster import Cluster
from tests.cluster.helm.release import Release, released, working
from tests.fixtures.hub import Client, until

pytestmark = pytest.mark.timeout(900)
AS_ROOT = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "root"},
    "spec": {"containers": [{"name": "root", "image": "any", "securityContext": {"runAsUser": 0}}]},
}
FACTS = """
status <- readLines("/proc/self/status")
cat(jsonlite::toJSON(auto_unbox = TRUE, list(
  uid = system("id -u", intern = TRUE), homes = list.files("/home"), home = path.expand("~"), cwd = getwd(),
  capabilities = sub(".*\\t", "", grep("^CapPrm", status, value = TRUE)))))
"""
OF_ROOT = 'cat(grep("^ *0 ", system("ps -eo uid=,args=", intern = TRUE), value = TRUE))'
"""The processes of root; the runtime's own is one for a moment before it runs a probe or an exec as the user."""


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[Release]:
    closed = {"volume_mounts": [{"name": "homes", "mountPath": "/home", "readOnly": True}]}
    profiles = [{"name": "r"}, {"name": "closed", "kubespawner_override": closed}]
    with released(cluster, **{"compute.podSecurity": "restricted", "profiles": profiles}) as release:
        release.install()
        yield release


def test_the_cluster_refuses_a_pod_that_starts_as_root(release: Release) -> None:
    with pytest.raises(AssertionError, match='violates PodSecurity "restricted:latest"'):
        release.compute.apply(AS_ROOT)


async def test_r_starts_as_the_user_and_mounts_only_the_users_home(outside: Client) -> None:
    async with working(outside, ada=[], grace=[]) as (_, r):
        facts = json.loads(await r.run(FACTS))

        async def nothing_of_root() -> bool:
            return await r.run(OF_ROOT) == ""

        await until(nothing_of_root)
    uid = str(default_uid("grace"))
    assert facts == {
        "uid": uid,
        "homes": "grace",
        "home": "/home/grace",
        "cwd": "/home/grace",
        "capabilities": "0000000000000000",
    }


async def test_files_in_the_home_are_kept(outside: Client) -> None:
    async with working(outside, ada=[]) as (r,):
        await r.run('writeLines("kept", "notes.txt")')
    async with working(outside, ada=[]) as (r,):
        assert await r.run('cat(readLines("notes.txt"))') == "kept"


async def test_a_home_without_access_leads_to_one_sentence(outside: Client) -> None:
    await outside.create("ada")
    status, event = await outside.start("ada", profile="closed")
    sentence = f"The home /home/ada is closed to its account {default_uid('ada')}; an operator has to open it."
    assert (status, sentence in event["message"]) == (500, True), event
