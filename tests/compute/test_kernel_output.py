"""What R's process writes itself reaches the notebook, and no log."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from jupyter_client.session import Session
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

from rc2hub.compute.kernel_output import HELD, KernelOutput
from tests.fixtures.hub import Client, Kernel, Rc2, until

USER = "output"


@pytest.fixture(scope="module")
async def notebooks(rc2: Rc2) -> AsyncIterator[list[Kernel]]:
    """The first two notebooks of a user; the kernel of the first one was started before its user was known."""
    async with rc2.client() as client:
        await client.create(USER)
        home = rc2.home / "homes" / USER
        home.mkdir(parents=True)
        (home / ".Rprofile").write_text("message('from the start-up file')\n")
        await client.start(USER)
        async with client.kernel(USER) as first, client.kernel(USER) as second:
            yield [first, second]
        await client.stop(USER)


async def test_the_first_cell_shows_what_the_start_up_file_printed(notebooks: list[Kernel]):
    for r in notebooks:
        assert "from the start-up file\n" in await r.run("cat('cell')")


async def test_the_output_of_system_goes_to_the_notebook_before_what_r_prints_next_and_to_no_log(
    notebooks: list[Kernel], rc2: Rc2
):
    for r in notebooks:
        shown = await r.run("cat('before\n')\nsystem('echo pass-word; echo to-stderr >&2')\ncat('after\n')")
        lines = shown.splitlines()
        assert sorted(lines) == ["after", "before", "pass-word", "to-stderr"]
        assert lines.index("pass-word") < lines.index("after")  # "before" can come late where the server has no time to read
        assert await r.run("system2('echo', 'übung')") == "übung\n"
        assert await r.run("cat(system('echo kept', intern = TRUE))") == "kept"
        assert await r.run("system('env | grep -e PRELOAD -e STDBUF')") == ""
    assert "pass-word" not in rc2.log()
    assert "to-stderr" not in rc2.log()


async def test_the_output_of_c_code_goes_to_the_notebook(notebooks: list[Kernel], rc2: Rc2):
    load = "dyn.load(sub('.* ', '', grep('libc[.]so', readLines('/proc/self/maps'), value = TRUE)[[1]]))"
    for r in notebooks:
        await r.run(f"library <- {load}")
        assert await r.run(".C('puts', c(charToRaw('from C'), as.raw(0))) -> nothing") == "from C\n"
    assert "from C" not in rc2.log()


async def test_the_output_of_python_goes_to_the_notebook(notebooks: list[Kernel], rc2: Rc2):
    for r in notebooks:
        code = "library(reticulate); use_python(Sys.getenv('RC2_DATA_PYTHON')); py_run_string('print(6 * 7)')"
        assert await r.run(code) == "42\n"
        assert await r.run("py_run_string('import os; os.system(\"echo from python\")')") == "from python\n"
    assert "from python" not in rc2.log()


async def test_more_output_than_a_pipe_holds_stops_neither_r_nor_the_server(notebooks: list[Kernel]):
    for r in notebooks:
        lines = (await r.run("system('seq 1 100000')")).splitlines()
        assert (len(lines), lines[0], lines[-1]) == (100000, "1", "100000")


async def test_a_process_that_outlives_its_cell_stops_nothing_and_its_output_follows(notebooks: list[Kernel], rc2: Rc2):
    for r in notebooks:
        await r.run("system('(while [ ! -e go ]; do sleep 0.05; done; echo late) &')")
        assert await r.run("cat('next cell')") == "next cell"
        (rc2.home / "homes" / USER / "go").touch()
        assert await asyncio.wait_for(late_output(r), 60) == "late\n"
        await r.run("invisible(file.remove('go'))")


async def late_output(r: Kernel) -> str:
    """What a notebook receives as output although no cell runs."""
    while True:
        message = await r.answers.get()
        if message["msg_type"] == "stream":
            return str(message["content"]["text"])


async def test_the_output_goes_on_after_a_restart(client: Client):
    _, kernels = await client.call("GET", f"/user/{USER}/api/kernels")
    for kernel in kernels:
        assert (await client.call("POST", f"/user/{USER}/api/kernels/{kernel['id']}/restart"))[0] == 200
        async with client.join_kernel(USER, kernel["id"]) as r:
            shown = await r.run("system('echo after the restart')")
            assert "from the start-up file\n" in shown
            assert "after the restart\n" in shown


async def test_jupyterlabs_own_protocol_carries_the_output(client: Client):
    _, (kernel, *_) = await client.call("GET", f"/user/{USER}/api/kernels")
    session = Session()
    content = {"code": "system('echo from the shell')", "silent": False, "store_history": False, "allow_stdin": False}
    message = session.msg("execute_request", content)
    path, protocol = f"/user/{USER}/api/kernels/{kernel['id']}/channels", "v1.kernel.websocket.jupyter.org"
    async with client.session.ws_connect(client.address(path), protocols=[protocol]) as socket:
        await socket.send_bytes(serialize_msg_to_ws_v1(message, "shell", session.pack))
        text = ""
        while "from the shell\n" not in text:
            channel, frames = deserialize_msg_from_ws_v1((await socket.receive(timeout=60)).data)
            if channel == "iopub" and session.unpack(frames[1]).get("msg_id") == message["header"]["msg_id"]:
                text += session.unpack(frames[3]).get("text", "")


class Notebook:
    """A receiver of output."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []

    def __call__(self, name: str, text: str, request: Any) -> None:
        self.received.append((request["msg_id"], text))


async def write(output: KernelOutput, command: str) -> None:
    """Run a command in the place of a kernel, until it ends."""
    with output.pipes() as pipes:
        process = await asyncio.create_subprocess_shell(command, **pipes)
    await process.wait()


def cell(number: int) -> dict[str, str]:
    return {"msg_type": "execute_request", "msg_id": f"cell {number}"}


async def test_without_a_notebook_the_last_output_is_kept_and_shown_in_the_first_cell():
    output, notebook = KernelOutput(), Notebook()
    await write(output, "seq 1 50000")
    await until(lambda: has_ended(output))
    output.receivers.add(notebook)
    output.precede({"msg_type": "kernel_info_request", "msg_id": "info"})
    assert notebook.received == []
    output.precede(cell(1))
    output.deliver()
    shown = "".join(text for _, text in notebook.received)
    assert shown.endswith("49999\n50000\n")
    assert len(shown) == HELD
    assert {request for request, _ in notebook.received} == {"cell 1"}


async def has_ended(output: KernelOutput) -> bool:
    return not output._open


async def test_before_it_has_a_user_a_kernels_output_goes_to_the_log(capfd: pytest.CaptureFixture[str]):
    output = KernelOutput()
    output.goes_to_log = True
    await write(output, "echo no IRkernel >&2")
    output.deliver()
    assert capfd.readouterr().err == "no IRkernel\n"


async def test_a_character_whose_bytes_come_apart_is_one_character():
    output, notebook = KernelOutput(), Notebook()
    output.receivers.add(notebook)
    await write(output, r"printf '\303'; sleep 0.2; printf '\274\377'")
    await until(lambda: has_ended(output))
    output.precede(cell(1))
    output.deliver()
    assert "".join(text for _, text in notebook.received) == "ü\N{REPLACEMENT CHARACTER}"


async def test_output_before_a_message_of_r_is_sent_before_it_within_a_millisecond():
    output, notebook = KernelOutput(), Notebook()
    output.receivers.add(notebook)
    with output.pipes() as pipes:
        process = await asyncio.create_subprocess_shell("echo started; exec sleep 60", **pipes)
    await until(lambda: has_received(notebook, output))
    start = time.perf_counter()
    for _ in range(100):
        output.precede(cell(1))
    assert (time.perf_counter() - start) / 100 < 0.001
    process.kill()
    await process.wait()
    await until(lambda: has_ended(output))


async def has_received(notebook: Notebook, output: KernelOutput) -> bool:
    output.precede(cell(1))
    return bool(notebook.received)
