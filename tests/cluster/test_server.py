"""What a server that was a standby can do: everything that any Jupyter server can, as its person."""

import asyncio
import json
from typing import Any

import pytest

from tests.cluster.test_login import server
from tests.fixtures.hub import Client, until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.parametrize("kube_hub", [3], ids=["warm"], indirect=True, scope="module"),
]
EVERYBODYS = """
files <- Sys.glob("/proc/[0-9]*/environ")
hers <- Filter(function(file) file.access(file, 4) == 0, files)
read <- function(file) {
  bytes <- tryCatch(readBin(file, "raw", 2^20), error = function(e) raw())
  strsplit(rawToChar(replace(bytes, bytes == 0, charToRaw("\n"))), "\n")[[1]]
}
cat(jsonlite::toJSON(unlist(lapply(hers, read))))
"""


async def new_kernel(client: Client, user: str) -> str:
    status, model = await client.call("POST", f"/user/{user}/api/kernels", json={"name": "ir"})
    assert status == 201, model
    return str(model["id"])


async def is_asleep(client: Client, user: str) -> bool:
    """Whether R is where it can be interrupted: on its way into a cell, IRkernel would end by that."""
    return bool((await client.call("GET", f"/user/{user}/api/contents/asleep"))[0] == 200)


async def test_her_kernels_are_all_hers_and_come_again_after_an_interrupt_and_a_restart(kube: Client, person: str) -> None:
    async with server(kube, person):
        first, second, third = [await new_kernel(kube, person) for _ in range(3)]
        for kernel in (first, second, third):
            async with kube.join_kernel(person, kernel) as r:
                assert await r.run("cat(Sys.info()[['user']], getwd())") == f"{person} /home/{person}"
        async with kube.join_kernel(person, first) as r:
            await r.run("kept <- 42")
            sleep = "tryCatch({ file.create('asleep'); Sys.sleep(60) }, interrupt = function(i) cat('interrupted'))"
            sleeping = asyncio.create_task(r.run(sleep))
            await until(lambda: is_asleep(kube, person))
            assert (await kube.call("POST", f"/user/{person}/api/kernels/{first}/interrupt"))[0] == 204
            assert await sleeping == "interrupted"
            assert await r.run("cat(kept)") == "42"
        assert (await kube.call("POST", f"/user/{person}/api/kernels/{first}/restart"))[0] == 200
        async with kube.join_kernel(person, first) as r:
            assert await r.run("cat(exists('kept'), Sys.info()[['user']])") == f"FALSE {person}"


async def test_her_files_terminals_and_settings_are_there(kube: Client, person: str) -> None:
    base = f"/user/{person}"
    async with server(kube, person):
        note = {"type": "file", "format": "text", "content": "hers"}
        assert (await kube.call("PUT", f"{base}/api/contents/note.txt", json=note))[0] == 201
        _, listing = await kube.call("GET", f"{base}/api/contents")
        assert "note.txt" in [entry["name"] for entry in listing["content"]]
        status, terminal = await kube.call("POST", f"{base}/api/terminals")
        assert status == 200
        said = await answer(kube, f"{base}/terminals/websocket/{terminal['name']}", "echo I am $(id -un) in $PWD\r")
        assert f"I am {person} in /home/{person}" in said
        setting = "@jupyterlab/apputils-extension:themes"
        changed = json.dumps({"theme": "JupyterLab Dark"})
        path = f"{base}/lab/api/settings/{setting}"
        assert (await kube.call("PUT", path, json={"raw": changed}))[0] == 204
        assert (await kube.call("GET", path))[1]["settings"] == {"theme": "JupyterLab Dark"}
        async with kube.kernel(person) as r:
            assert "themes" in await r.run('cat(list.files("~/.jupyter/lab/user-settings", recursive = TRUE))')


async def answer(client: Client, path: str, typed: str) -> str:
    """What a terminal shows after something is typed, until it shows the person's answer."""
    said = ""
    async with client.session.ws_connect(client.address(path)) as terminal:
        await terminal.send_json(["stdin", typed])
        while "I am" not in said.replace("echo I am", ""):
            kind, *content = json.loads((await terminal.receive(timeout=20)).data)
            said += content[0] if kind == "stdout" else ""
    return said


async def test_nothing_in_the_environment_of_her_processes_is_somebody_elses(kube: Client, person: str) -> None:
    other = f"{person}x"
    async with server(kube, person), server(kube, other), kube.kernel(person) as r:
        variables: list[Any] = json.loads(await r.run(EVERYBODYS))
        named = dict(str(variable).split("=", 1) for variable in variables if "=" in str(variable))
    assert named["RC2_PROFILE"] == "r"  # of those that show what they were born with
    assert [name for name, value in named.items() if "nobody" in value or "rc2-rehearsal" in value] == []
    assert [name for name, value in named.items() if other in value] == []
