"""`rc2hub up`: it reports a problem in one sentence, stops all its processes, and keeps its data."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from rc2hub.local import database, hdfs, hive
from rc2hub.local.home import Home
from rc2hub.processes import free_ports
from tests.fixtures.hub import ROOT, Client, Rc2, RError, until
from tests.test_kill import processes, runtime_dir


def up(home: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("rc2hub")), "up", "--port", str(port)]
    environment = {**os.environ, "RC2_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def one_sentence(output: str) -> str:
    lines = [line for line in output.splitlines() if line]
    assert len(lines) == 1, output
    assert lines[0].startswith("rc2hub: ")
    return lines[0]


def test_a_port_in_use_gives_one_sentence_with_a_free_port(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = up(tmp_path, taken.getsockname()[1])
    assert result.returncode == 1
    assert "is in use; choose another, such as `make up PORT=" in one_sentence(result.stderr)


async def test_stored_ports_that_other_programs_use_are_replaced(tmp_path: Path):
    running = Rc2(tmp_path / "rc2")
    running.environment["RC2_SERVICES"] = "flights,spark,hdfs,hive"
    home = Home(running.home)
    stored = (home.ports, database.ports(home.database), hdfs.ports(home.hdfs), hive.ports(home.hive))
    with ExitStack() as others:
        for port in (port for ports in stored for port in ports.read().values()):
            others.enter_context(socket.create_server(("127.0.0.1", port)))
        running.start()
    try:
        async with running.client() as client, client.working("alice", ["flights:read", "hdfs:write"], "") as r:
            assert await r.run('cat(DBI::dbGetQuery(rc2::rc2_connect("flights"), "select 1 + 1")[[1]])') == "2"

            async def lists_the_own_folder() -> bool:
                try:
                    return await r.run('cat(nrow(rc2::rc2_hdfs("hdfs")$ls()))') == "0"
                except RError as error:
                    if "HDFS is starting" not in str(error) and "HDFS does not answer" not in str(error):
                        raise
                    return False

            await until(lists_the_own_folder, interval=0.5)
    finally:
        running.stop()


def test_a_folder_that_cannot_be_created_gives_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    result = up(tmp_path / "file" / "rc2", free_ports(1)[0])
    assert result.returncode == 1
    assert "check space and permissions there" in one_sentence(result.stderr)


def test_a_second_start_with_the_same_folder_gives_one_sentence(rc2: Rc2):
    result = up(rc2.home, free_ports(1)[0])
    assert result.returncode == 1
    assert "runs already with the folder" in one_sentence(result.stderr)


def test_a_new_link_needs_a_user_of_the_file(rc2: Rc2):
    assert "/hub/link?token=" in rc2.new_link("alice")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        rc2.new_link("mallory")
    assert "mallory is not in" in one_sentence(refused.value.stderr)


async def test_it_stops_without_leftover_processes_and_keeps_files(tmp_path: Path):
    running = Rc2(tmp_path / "rc2")
    running.start()
    async with running.client() as client:
        await client.create("alice")
        await client.start("alice", services=["flights"])
        async with client.kernel("alice") as r:
            await r.run('writeLines("kept", "kept.txt"); system("sleep 1000 &"); tempfile() |> cat(file = tempfile())')
    running.stop()
    assert list(processes(running)) == []
    assert not runtime_dir(running).exists()
    assert list(running.temporary.iterdir()) == []
    running.start()
    async with running.client() as client:
        await client.start("alice")
        async with client.kernel("alice") as r:
            assert await r.run('cat(readLines("kept.txt"))') == "kept"
    running.process.send_signal(signal.SIGTERM)
    running.ended()
    assert list(processes(running)) == []


def test_it_stops_a_hub_that_hangs_with_its_proxy_and_its_servers(tmp_path: Path):
    running = Rc2(tmp_path / "rc2")
    running.environment = {"RC2_SERVICES": ""}
    running.start()
    hanging = [pid for pid, command in processes(running) if b"jupyterhub\0-f" in command or b"standby_server" in command]
    assert len(hanging) > 1
    for pid in hanging:
        os.kill(pid, signal.SIGSTOP)
    running.stop()
    assert list(processes(running)) == []


def test_a_link_works_once(rc2: Rc2):
    link = rc2.new_link("alice")
    with urllib.request.urlopen(link) as first:
        assert first.status == 200
    with pytest.raises(urllib.error.HTTPError) as second:
        urllib.request.urlopen(link)
    assert second.value.code == 403
    assert "was used or is too old" in second.value.read().decode()
    assert link.rpartition("=")[2] not in rc2.log()


async def test_a_new_home_has_the_examples_and_keeps_what_its_user_changes_or_deletes(
    rc2: Rc2, client: Client, username: str
):
    await client.create(username)
    await client.start(username)
    mine = rc2.home / "homes" / username / "examples"
    examples = sorted(path.name for path in (ROOT / "examples").iterdir())
    assert sorted(path.name for path in mine.iterdir()) == examples
    (mine / "flights.Rmd").write_text("changed")
    (mine / "03-linear-regression.Rmd").unlink()
    await client.stop(username)
    await client.start(username)
    assert (mine / "flights.Rmd").read_text() == "changed"
    assert not (mine / "03-linear-regression.Rmd").exists()
    await client.stop(username)
    shutil.rmtree(mine)
    await client.start(username)
    assert not mine.exists()
    await client.stop(username)
