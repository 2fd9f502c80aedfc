"""A login that leads to a pod: its account, its files, its progress messages, its errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rc2hub.hub.spawners.accounts import default_uid
from tests.cluster.cluster import eventually
from tests.cluster.hub import KubeHub
from tests.fixtures.hub import Client, Kernel, until

PROCESS_FACTS = """
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


def pods_of(hub: KubeHub, username: str) -> list[str]:
    """The names of the user's pods."""
    pods = hub.namespace.get("pods", "", f"--selector=hub.jupyter.org/username={username}")
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


async def process_facts(r: Kernel) -> dict[str, Any]:
    """Account, folders, environment and process status of R."""
    found: dict[str, Any] = json.loads(await r.run(PROCESS_FACTS))
    found["status"] = dict(line.split(":\t", 1) for line in found["status"] if ":\t" in line)
    return found


def assert_runs_as(username: str, facts: dict[str, Any]) -> None:
    """Check what holds for each user's server, warm or cold."""
    uid = str(default_uid(username))
    assert (facts["user"], facts["home"], facts["cwd"]) == (username, f"/home/{username}", f"/home/{username}")
    assert facts["status"]["Uid"].split() == facts["status"]["Gid"].split() == [uid] * 4
    assert facts["groups"] == uid
    assert int(facts["status"]["CapPrm"], 16) == int(facts["status"]["CapEff"], 16) == 0
    assert facts["status"]["NoNewPrivs"] == "1"
    assert facts["tempdir"] == int(uid)
    assert facts["etc"] == -1
    assert facts["umask"] == "22"
    assert facts["library"] is True
    assert not facts["of_root"], "the environment still has values from before the activation"


async def test_a_login_leads_to_a_working_r_of_the_user(kube: Client, username: str) -> None:
    async with server(kube, username), kube.kernel(username) as r:
        assert await r.run("cat(6 * 7)") == "42"
        assert_runs_as(username, await process_facts(r))


async def test_the_pod_has_no_root_process_after_the_start(kube: Client, username: str) -> None:
    async with server(kube, username), kube.kernel(username) as r:

        async def nothing_of_root() -> bool:
            return await r.run('cat(grep("^ *0 ", system("ps -eo uid=,args=", intern = TRUE), value = TRUE))') == ""

        await until(nothing_of_root)


async def test_files_in_the_home_are_kept_with_the_same_account(kube: Client, username: str) -> None:
    async with server(kube, username), kube.kernel(username) as r:
        await r.run('writeLines("kept", "notes.txt")')
    async with server(kube, username), kube.kernel(username) as r:
        assert await r.run('cat(readLines("notes.txt"), file.info("notes.txt")$uid)') == f"kept {default_uid(username)}"


async def test_packages_are_installed_in_the_home(kube: Client, username: str) -> None:
    install = """
    dir.create("src/hello", recursive = TRUE)
    writeLines(c("Package: hello", "Version: 1.0", "Title: T", "Description: D.", "License: BSD"), "src/hello/DESCRIPTION")
    writeLines("export(hi)", "src/hello/NAMESPACE")
    dir.create("src/hello/R"); writeLines("hi <- function() 'hi'", "src/hello/R/hi.R")
    install.packages("src/hello", repos = NULL, type = "source", quiet = TRUE)
    cat(hello::hi(), startsWith(find.package("hello"), path.expand("~")))
    """
    async with server(kube, username), kube.kernel(username) as r:
        assert (await r.run(install)).endswith("hi TRUE")


async def is_ready(client: Client, user: str) -> bool:
    """Whether the server runs; starts it if it does not."""
    await client.start(user)
    _, model = await client.call("GET", f"/hub/api/users/{user}")
    return bool(model["servers"].get("", {}).get("ready"))


async def test_the_home_of_another_user_is_closed(kube: Client, username: str) -> None:
    other = f"{username}x"
    async with server(kube, username), server(kube, other), kube.kernel(other) as r:
        assert await r.run(f'cat(file.access("/home/{username}", 4), length(list.files("/home/{username}")))') == "-1 0"


async def test_a_group_folder_has_the_access_rights_of_each_group(kube: Client, username: str) -> None:
    teacher, colleague, student, outsider = (f"{username}{letter}" for letter in "abcd")
    for group, users in (("teachers", [teacher, colleague]), ("students", [student]), ("outsiders", [outsider])):
        await asyncio.gather(*map(kube.create, users))
        assert (await kube.call("POST", f"/hub/api/groups/{group}/users", json={"users": users}))[0] == 200
    file = f"/shared/stat101/{username}.txt"
    write, groups = f'cat("%s\\n", file = "{file}", append = TRUE)', "cat(system('groups 2>&1', intern = TRUE))"
    async with server(kube, teacher), kube.kernel(teacher) as r:
        await r.run(write % "first")
        assert await r.run(groups) == f"{teacher} stat101-readers stat101-writers"
    async with server(kube, colleague), kube.kernel(colleague) as r:
        await r.run(write % "second")
    async with server(kube, student), kube.kernel(student) as r:
        assert await r.run(f'cat(readLines("{file}"))') == "first second"
        touch = 'system("touch /shared/stat101/x", ignore.stderr = TRUE)'
        assert await r.run(f'cat(file.access("/shared/stat101", 2), {touch})') == "-1 1"
        assert await r.run(groups) == f"{student} stat101-readers"
    async with server(kube, outsider), kube.kernel(outsider) as r:
        assert await r.run('cat(length(list.files("/shared/stat101")), file.access("/shared/stat101"))') == "0 -1"
        assert await r.run(groups) == outsider


async def test_each_named_server_is_a_separate_pod(kube: Client, kube_hub: KubeHub, username: str) -> None:
    async with server(kube, username):
        assert (await kube.start(username, "second"))[0] == 201
        assert len(pods_of(kube_hub, username)) == 2
        await kube.stop(username, "second")


async def test_a_deleted_pod_is_noticed_and_the_next_start_works(kube: Client, kube_hub: KubeHub, username: str) -> None:
    async with server(kube, username):
        kube_hub.namespace.kubectl("delete", "pod", *pods_of(kube_hub, username), "--grace-period=0", "--force")
        await until(lambda: is_ready(kube, username))
        async with kube.kernel(username) as r:
            assert await r.run("cat(1)") == "1"


async def test_kubernetes_stores_no_credential(kube: Client, kube_hub: KubeHub, username: str) -> None:
    async with server(kube, username), kube.kernel(username) as r:
        token = await r.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"))')
        assert len(token) > 20
        kept = kube_hub.namespace.kubectl("get", "pods,secrets,events,configmaps", "--output=yaml")
        logs = kube_hub.namespace.kubectl("logs", *pods_of(kube_hub, username))
    assert token not in kept
    assert token not in logs
    assert token not in kube_hub.log()


async def test_progress_messages_are_sentences(kube: Client, username: str) -> None:
    username = f"own-{username}"  # for a cold start
    await kube.create(username)
    await kube.call("POST", f"/hub/api/users/{username}/server", json={})
    messages = []
    async with kube.session.get(kube.address(f"/hub/api/users/{username}/server/progress")) as progress:
        async for line in progress.content:
            if line.startswith(b"data:"):
                messages.append(json.loads(line[5:])["message"])
    await kube.stop(username)
    assert [message for message in messages if "[" in message] == []
    assert "Looking for a ready R" in messages
    assert "R is ready; making it yours" in messages


async def test_a_pod_without_a_server_is_deleted(kube: Client, kube_hub: KubeHub, username: str) -> None:
    await kube.create(username)
    await kube.start(username)
    (pod,) = kube_hub.namespace.get("pods", "", f"--selector=hub.jupyter.org/username={username}")
    await kube.stop(username)
    of_this_hub = {"rc2hub.org/hub": pod["metadata"]["labels"]["rc2hub.org/hub"]}
    labels = {"app": "jupyterhub", "component": "singleuser-server", **of_this_hub}
    spec = {"containers": [{"name": "notebook", "image": kube_hub.namespace.cluster.settings["RC2_BUSYBOX"]}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "left-over", "labels": labels}, "spec": spec}
    kube_hub.namespace.apply(pod)
    eventually(lambda: "left-over" not in kube_hub.namespace.kubectl("get", "pods", "--output=name"))
