"""A login that ends in a pod: whose it is, what it keeps, what it says while it starts and when it cannot."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rc2hub.spawners.accounts import proposed_uid
from tests.cluster.cluster import eventually
from tests.cluster.hub import KubeHub
from tests.fixtures.hub import Client, Kernel, until

WHO = """
cat(jsonlite::toJSON(auto_unbox = TRUE, list(
  user = Sys.info()[["user"]], home = path.expand("~"), cwd = getwd(), umask = format(Sys.umask()),
  groups = system("id -G", intern = TRUE), status = readLines("/proc/self/status"),
  tempdir = file.info(tempdir())$uid, etc = file.access("/etc", 2),
  of_root = as.list(Filter(function(value) grepl("root|/rc2-standby", value), Sys.getenv())),
  library = startsWith(.libPaths()[[1]], path.expand("~")))))
"""


@asynccontextmanager
async def server(client: Client, user: str, **options: Any) -> AsyncIterator[None]:
    """A running server, stopped at the end."""
    await client.create(user)
    status, event = await client.start(user, **options)
    assert status == 201, event
    try:
        yield
    finally:
        await client.stop(user)


def pods_of(hub: KubeHub, person: str) -> list[str]:
    """The names of a person's pods."""
    pods = hub.namespace.get("pods", "", f"--selector=hub.jupyter.org/username={person}")
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


async def who(r: Kernel) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await r.run(WHO))
    found["status"] = dict(line.split(":\t", 1) for line in found["status"] if ":\t" in line)
    return found


def is_hers(facts: dict[str, Any], person: str) -> None:
    """What holds of any server that is a person's, however it came to be."""
    uid = str(proposed_uid(person))
    assert (facts["user"], facts["home"], facts["cwd"]) == (person, f"/home/{person}", f"/home/{person}")
    assert facts["status"]["Uid"].split() == facts["status"]["Gid"].split() == [uid] * 4
    assert facts["groups"] == uid
    assert int(facts["status"]["CapPrm"], 16) == int(facts["status"]["CapEff"], 16) == 0
    assert facts["status"]["NoNewPrivs"] == "1"
    assert facts["tempdir"] == int(uid)
    assert facts["etc"] == -1
    assert facts["umask"] == "22"
    assert facts["library"] is True
    assert not facts["of_root"], "the environment still says what it was before"


async def test_a_login_ends_in_a_working_r_that_is_the_persons(kube: Client, person: str) -> None:
    async with server(kube, person), kube.kernel(person) as r:
        assert await r.run("cat(6 * 7)") == "42"
        is_hers(await who(r), person)


async def test_no_process_of_root_is_left_in_the_pod(kube: Client, person: str) -> None:
    async with server(kube, person), kube.kernel(person) as r:

        async def nothing_of_root() -> bool:
            return await r.run('cat(grep("^ *0 ", system("ps -eo uid=,args=", intern = TRUE), value = TRUE))') == ""

        await until(nothing_of_root, 10)


async def test_what_a_person_keeps_at_home_is_there_again_under_the_same_account(kube: Client, person: str) -> None:
    async with server(kube, person), kube.kernel(person) as r:
        await r.run('writeLines("kept", "notes.txt")')
    async with server(kube, person), kube.kernel(person) as r:
        assert await r.run('cat(readLines("notes.txt"), file.info("notes.txt")$uid)') == f"kept {proposed_uid(person)}"


async def test_packages_are_installed_at_home(kube: Client, person: str) -> None:
    install = """
    dir.create("src/hello", recursive = TRUE)
    writeLines(c("Package: hello", "Version: 1.0", "Title: T", "Description: D.", "License: BSD"), "src/hello/DESCRIPTION")
    writeLines("export(hi)", "src/hello/NAMESPACE")
    dir.create("src/hello/R"); writeLines("hi <- function() 'hi'", "src/hello/R/hi.R")
    install.packages("src/hello", repos = NULL, type = "source", quiet = TRUE)
    cat(hello::hi(), startsWith(find.package("hello"), path.expand("~")))
    """
    async with server(kube, person), kube.kernel(person) as r:
        assert (await r.run(install)).endswith("hi TRUE")


async def is_ready(client: Client, user: str) -> bool:
    """Whether the server runs; asks for it when it does not."""
    await client.start(user)
    _, model = await client.call("GET", f"/hub/api/users/{user}")
    return bool(model["servers"].get("", {}).get("ready"))


async def test_another_persons_home_is_closed(kube: Client, person: str) -> None:
    other = f"{person}x"
    async with server(kube, person), server(kube, other), kube.kernel(other) as r:
        assert await r.run(f'cat(file.access("/home/{person}", 4), length(list.files("/home/{person}")))') == "-1 0"


async def test_a_folder_of_a_group_is_open_as_far_as_each_may(kube: Client, person: str) -> None:
    teacher, colleague, student, guest = (f"{person}{letter}" for letter in "abcd")
    for group, users in (("teachers", [teacher, colleague]), ("students", [student]), ("guests", [guest])):
        await asyncio.gather(*map(kube.create, users))
        assert (await kube.call("POST", f"/hub/api/groups/{group}/users", json={"users": users}))[0] == 200
    file = f"/shared/stat101/{person}.txt"
    write, groups = f'cat("%s\\n", file = "{file}", append = TRUE)', "cat(system('groups 2>&1', intern = TRUE))"
    async with server(kube, teacher), kube.kernel(teacher) as r:
        await r.run(write % "hers")
        assert await r.run(groups) == f"{teacher} stat101-readers stat101-writers"
    async with server(kube, colleague), kube.kernel(colleague) as r:
        await r.run(write % "and his")
    async with server(kube, student), kube.kernel(student) as r:
        assert await r.run(f'cat(readLines("{file}"))') == "hers and his"
        assert await r.run('cat(file.access("/shared/stat101", 2), system("touch /shared/stat101/x 2>&1"))') == "-1 1"
        assert await r.run(groups) == f"{student} stat101-readers"
    async with server(kube, guest), kube.kernel(guest) as r:
        assert await r.run('cat(length(list.files("/shared/stat101")), file.access("/shared/stat101"))') == "0 -1"
        assert await r.run(groups) == guest


async def test_named_servers_are_pods_of_their_own(kube: Client, kube_hub: KubeHub, person: str) -> None:
    async with server(kube, person):
        assert (await kube.start(person, "second"))[0] == 201
        assert len(pods_of(kube_hub, person)) == 2
        await kube.stop(person, "second")


async def test_a_deleted_pod_is_noticed_and_the_next_start_works(kube: Client, kube_hub: KubeHub, person: str) -> None:
    async with server(kube, person):
        kube_hub.namespace.kubectl("delete", "pod", *pods_of(kube_hub, person), "--grace-period=0", "--force")
        await until(lambda: is_ready(kube, person))
        async with kube.kernel(person) as r:
            assert await r.run("cat(1)") == "1"


async def test_no_credential_is_in_anything_that_kubernetes_keeps(kube: Client, kube_hub: KubeHub, person: str) -> None:
    async with server(kube, person), kube.kernel(person) as r:
        token = await r.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"))')
        assert len(token) > 20
        kept = kube_hub.namespace.kubectl("get", "pods,secrets,events,configmaps", "--output=yaml")
        logs = kube_hub.namespace.kubectl("logs", *pods_of(kube_hub, person))
    assert token not in kept
    assert token not in logs
    assert token not in kube_hub.log()


async def test_what_a_person_reads_while_she_waits_is_words(kube: Client, person: str) -> None:
    person = f"own-{person}"  # so that she waits
    await kube.create(person)
    await kube.call("POST", f"/hub/api/users/{person}/server", json={})
    said = []
    async with kube.session.get(kube.address(f"/hub/api/users/{person}/server/progress")) as progress:
        async for line in progress.content:
            if line.startswith(b"data:"):
                said.append(json.loads(line[5:])["message"])
    await kube.stop(person)
    assert [message for message in said if "[" in message] == []
    assert "Finding a place for R" in said
    assert "R runs; making it yours" in said


async def test_a_pod_that_belongs_to_no_server_is_taken_away(kube_hub: KubeHub) -> None:
    labels = {"app": "jupyterhub", "component": "singleuser-server"}
    spec = {"containers": [{"name": "notebook", "image": kube_hub.namespace.cluster.settings["RC2_BUSYBOX"]}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "left-over", "labels": labels}, "spec": spec}
    kube_hub.namespace.apply(pod)
    eventually(lambda: "left-over" not in kube_hub.namespace.kubectl("get", "pods", "--output=name"), 60)
