"""`rc2hub knit` as a user's cron job runs it: with a token, on a real hub, and on a server that runs or does not."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.hub import Client, Rc2, until

REPORT = """---
output:
  html_document: {theme: null, mathjax: null}
---

```{sql, connection="flights", output.var="late"}
SELECT count(*)::int AS n FROM flights WHERE year = 2013
```

```{r counted}
cat("counted", late$n, "flights")
```
"""


@pytest.fixture
async def token(rc2: Rc2, client: Client) -> AsyncIterator[str]:
    """A token of alice, with documents in the home; the server does not run."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    await client.stop("alice")
    reports = rc2.home / "homes/alice/my reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "late.Rmd").write_text(REPORT)
    (reports / "failing.Rmd").write_text(REPORT.replace("cat(", "cot("))
    (reports / "endless.Rmd").write_text("```{r waits}\nwhile (TRUE) Sys.sleep(0.1)\n```\n")
    _, made = await client.call("POST", "/hub/api/users/alice/tokens", json={"note": "cron"})
    yield made["token"]
    await client.stop("alice")


async def start(rc2: Rc2, token: str, folder: Path, *arguments: str) -> Process:
    command = [str(Path(sys.prefix, "bin/rc2hub")), "knit", "--hub", rc2.url, *arguments]
    environment = {**os.environ, "JUPYTERHUB_API_TOKEN": token}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, **pipes)


async def knit(rc2: Rc2, token: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """The exit code, what is printed, and what is said meanwhile."""
    process = await start(rc2, token, folder, *arguments)
    printed, said = await process.communicate()
    return process.returncode or 0, printed.decode(), said.decode()


async def runs(client: Client) -> bool:
    _, alice = await client.call("GET", "/hub/api/users/alice")
    return bool(alice["servers"])


async def test_a_report_is_knitted_with_its_service_and_the_server_is_stopped_again(
    rc2: Rc2, client: Client, token: str, tmp_path: Path
) -> None:
    code, printed, said = await knit(rc2, token, tmp_path, "my reports/late.Rmd", "--service", "flights")
    assert (code, printed) == (0, "late.html\n"), said
    assert "counted 336776 flights" in (tmp_path / "late.html").read_text()
    assert "R starts." in said  # a chunk can be too short to be told
    await until(lambda: _is_stopped(client))


async def _is_stopped(client: Client) -> bool:
    return not await runs(client)


async def test_a_server_that_runs_gets_the_service_and_goes_on(rc2: Rc2, client: Client, token: str, tmp_path: Path) -> None:
    assert (await client.start("alice", services=[]))[0] == 201
    arguments = ("my reports/late.Rmd", "--service", "flights:read", "--output", "today.html")
    code, printed, said = await knit(rc2, token, tmp_path, *arguments)
    assert (code, printed) == (0, "today.html\n")
    assert said.splitlines() == list(dict.fromkeys(said.splitlines()))
    assert "counted 336776 flights" in (tmp_path / "today.html").read_text()
    assert await runs(client)


async def test_a_document_that_fails_says_where_and_why(rc2: Rc2, client: Client, token: str, tmp_path: Path) -> None:
    code, printed, said = await knit(rc2, token, tmp_path, "my reports/failing.Rmd", "--service", "flights")
    assert (code, printed) == (1, "")
    assert "rc2hub: Error in chunk counted, lines 10 to 12: " in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


async def test_what_the_hub_refuses_is_one_sentence(rc2: Rc2, client: Client, token: str, tmp_path: Path) -> None:
    _, _, said = await knit(rc2, "0" * 32, tmp_path, "my reports/late.Rmd")
    assert said == f"rc2hub: {rc2.url} refuses the token in JUPYTERHUB_API_TOKEN; make one on the page Token.\n"
    _, _, said = await knit(rc2, token, tmp_path, "my reports/late.Rmd", "--service", "flights:write")
    assert said == "rc2hub: flights: you may use this service with read, not with write; ask the operator of this hub.\n"
    assert (await client.start("alice", services=[]))[0] == 201
    _, _, said = await knit(rc2, token, tmp_path, "absent.Rmd")
    assert said == "rc2hub: absent.Rmd does not exist; save it first.\n"
    _, _, said = await knit(rc2, token, tmp_path, "my reports/late.Rmd", "--format", "odt")
    assert said == "rc2hub: The format is one of own, html, word, pdf.\n"


async def test_ctrl_c_cancels_the_job_and_stops_the_server(rc2: Rc2, client: Client, token: str, tmp_path: Path) -> None:
    process = await start(rc2, token, tmp_path, "my reports/endless.Rmd")
    assert process.stderr
    while b"waits" not in (line := await process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGINT)
    _, said = await process.communicate()
    assert said == b"rc2hub: knitting was cancelled.\n"
    await until(lambda: _is_stopped(client))
