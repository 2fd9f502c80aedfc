"""A claimed standby can do everything that any Jupyter server can, as its user."""

import asyncio
import json
from typing import Any

import pytest

from tests.cluster.hub import KubeHub
from tests.cluster.test_login import pods_of, server
from tests.fixtures.hub import Client, RError, until

pytestmark = pytest.mark.parametrize("kube_hub", [3], ids=["warm"], indirect=True, scope="module")
ENVIRONMENTS = """
files <- Sys.glob("/proc/[0-9]*/environ")
readable <- Filter(function(file) file.access(file, 4) == 0, files)
read <- function(file) {
  bytes <- tryCatch(readBin(file, "raw", 2^20), error = function(e) raw())
  strsplit(rawToChar(replace(bytes, bytes == 0, charToRaw("\n"))), "\n")[[1]]
}
cat(jsonlite::toJSON(unlist(lapply(readable, read))))
"""


async def new_kernel(client: Client, user: str) -> str:
    status, model = await client.call("POST", f"/user/{user}/api/kernels", json={"name": "ir"})
    assert status == 201, model
    return str(model["id"])


async def is_asleep(client: Client, user: str) -> bool:
    """Whether R can be interrupted: an interrupt before the cell's code runs would end IRkernel."""
    return bool((await client.call("GET", f"/user/{user}/api/contents/asleep"))[0] == 200)


async def test_kernels_run_as_the_user_also_after_an_interrupt_and_a_restart(kube: Client, username: str) -> None:
    async with server(kube, username):
        first, second, third = [await new_kernel(kube, username) for _ in range(3)]
        for kernel in (first, second, third):
            async with kube.join_kernel(username, kernel) as r:
                assert await r.run("cat(Sys.info()[['user']], getwd())") == f"{username} /home/{username}"
        async with kube.join_kernel(username, first) as r:
            await r.run("kept <- 42")
            sleep = "tryCatch({ file.create('asleep'); Sys.sleep(60) }, interrupt = function(i) cat('interrupted'))"
            sleeping = asyncio.create_task(r.run(sleep))
            await until(lambda: is_asleep(kube, username))
            assert (await kube.call("POST", f"/user/{username}/api/kernels/{first}/interrupt"))[0] == 204
            assert await sleeping == "interrupted"
            assert await r.run("cat(kept)") == "42"
        assert (await kube.call("POST", f"/user/{username}/api/kernels/{first}/restart"))[0] == 200
        async with kube.join_kernel(username, first) as r:
            assert await r.run("cat(exists('kept'), Sys.info()[['user']])") == f"FALSE {username}"


async def test_an_r_that_needs_more_memory_than_its_profile_has_reports_it_and_all_notebooks_go_on(
    kube: Client, username: str
) -> None:
    async with server(kube, username), kube.kernel(username) as first, kube.kernel(username) as second:
        for r in (first, second):
            assert await r.run("cat(parallel::detectCores())") == "1"
            with pytest.raises(RError, match="cannot allocate"):
                await r.run("parts <- list(); repeat parts[[length(parts) + 1]] <- numeric(1e7)")
            await r.run("rm(parts); invisible(gc())")
        for r in (first, second):
            assert await r.run("cat(6 * 7)") == "42"


async def test_the_output_of_system_goes_to_the_notebook_and_not_to_the_log_of_the_pod(
    kube: Client, kube_hub: KubeHub, username: str
) -> None:
    async with server(kube, username), kube.kernel(username) as first, kube.kernel(username) as second:
        for r in (first, second):
            assert await r.run("system('echo pass-word')") == "pass-word\n"
        assert "pass-word" not in kube_hub.namespace.kubectl("logs", *pods_of(kube_hub, username))


async def test_files_terminals_and_settings_work(kube: Client, username: str) -> None:
    base = f"/user/{username}"
    async with server(kube, username):
        assert await kube.write_text(username, "note.txt", "text") == 201
        _, listing = await kube.call("GET", f"{base}/api/contents")
        assert "note.txt" in [entry["name"] for entry in listing["content"]]
        status, terminal = await kube.call("POST", f"{base}/api/terminals")
        assert status == 200
        shown = await terminal_output(
            kube, f"{base}/terminals/websocket/{terminal['name']}", "echo I am $(id -un) in $PWD\r"
        )
        assert f"I am {username} in /home/{username}" in shown
        setting = "@jupyterlab/apputils-extension:themes"
        changed = json.dumps({"theme": "JupyterLab Dark"})
        path = f"{base}/lab/api/settings/{setting}"
        assert (await kube.call("PUT", path, json={"raw": changed}))[0] == 204
        assert (await kube.call("GET", path))[1]["settings"] == {"theme": "JupyterLab Dark"}
        async with kube.kernel(username) as r:
            assert "themes" in await r.run('cat(list.files("~/.jupyter/lab/user-settings", recursive = TRUE))')


async def terminal_output(client: Client, path: str, typed: str) -> str:
    """What a terminal shows after this input, until it shows the output of the command."""
    shown = ""
    async with client.session.ws_connect(client.address(path)) as terminal:
        await terminal.send_json(["stdin", typed])
        while "I am" not in shown.replace("echo I am", ""):
            kind, *content = json.loads((await terminal.receive(timeout=20)).data)
            shown += content[0] if kind == "stdout" else ""
    return shown


async def test_process_environments_have_no_values_of_another_user(kube: Client, username: str) -> None:
    other = f"{username}x"
    async with server(kube, username), server(kube, other), kube.kernel(username) as r:
        variables: list[Any] = json.loads(await r.run(ENVIRONMENTS))
        named = dict(str(variable).split("=", 1) for variable in variables if "=" in str(variable))
    assert named["RC2_PROFILE"] == "r"  # the environments are readable, and complete
    assert [name for name, value in named.items() if "rc2-template" in value or "rc2-warm-up" in value] == []
    assert [name for name, value in named.items() if other in value] == []
