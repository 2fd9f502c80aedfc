"""Memory of a server with one and with five R Markdown documents open in a browser, and seconds of 2 000 chunks.

    python -m tests.bench.rmd_memory

Memory is the proportional set size: what processes share is divided among them. Each document has an R for its editor and
one for its preview, and loads dplyr. In the document of 2 000 chunks each is one assignment. A server with its first R is
measured as a standby by tests/bench/local.py.
"""

import asyncio
import json
import re
import tempfile
import time
from pathlib import Path

from playwright.async_api import Page, expect

from rc2hub.compute.rmarkdown.preview import Preview
from tests.bench.lab import chromium
from tests.compute.rmarkdown.test_preview import Page as PreviewPage
from tests.fixtures.hub import LOCAL, Rc2
from tests.test_kill import COMMANDS, processes

DOCUMENT = (
    "```{r}\nlibrary(dplyr, warn.conflicts = FALSE)\nx <- mtcars |> group_by(cyl) |> summarise(n = n())\ncat(x$n)\n```\n"
)
RESULT = "11 7 14"
LONG = "".join(f"```{{r}}\nx{i} <- {i}\n```\n\n" for i in range(2000))
PARTS = {
    "server": COMMANDS["server"],
    "R of editors": COMMANDS["R"],
    "R of previews": b"serve.R",
    "language server": b"arity",
}


def memory(rc2: Rc2, command: bytes) -> float:
    """MiB of the processes with this in their command line."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid, found in processes(rc2) if command in found]
    return sum(int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) for rollup in rollups) / 1024


async def show(page: Page, rc2: Rc2, name: str) -> None:
    """Open a document, run it, and show its preview."""
    await page.goto(f"{rc2.url}/user/alice/lab/tree/{name}")
    document = page.get_by_role("tabpanel", name=name)
    await document.get_by_role("button", name="Run All", exact=True).click()
    await expect(document.get_by_text(RESULT)).to_be_visible()
    await document.get_by_role("button", name="Preview").click()
    await expect(page.frame_locator(f'iframe[title="Preview of {name}"]').get_by_text(RESULT)).to_be_visible()


async def open_documents(rc2: Rc2, folder: Path) -> None:
    """Print the memory of each part of alice's server, as documents are opened."""
    async with rc2.client() as client, chromium(folder) as page:
        await client.create("alice")
        assert (await client.start("alice"))[0] == 201
        await page.set_viewport_size({"width": 4000, "height": 900})  # five sources with their previews side by side
        await page.goto(rc2.new_link("alice"))
        for count in range(6):
            if count:
                (rc2.home / f"homes/alice/{count}.Rmd").write_text(DOCUMENT)
                await show(page, rc2, f"{count}.Rmd")
            if count in {0, 1, 5}:
                found = {f"{part}, MiB": round(memory(rc2, command)) for part, command in PARTS.items()}
                print(json.dumps({"documents": count} | found))
        await client.stop("alice")


async def long_document(folder: Path) -> None:
    """Print the seconds until the whole page is there: at first, and after an edit of the first chunk."""
    preview, page = Preview(folder / "long.Rmd"), PreviewPage()
    found = {}
    with preview.shown(page.received.put_nowait):
        for name, text in (("first", LONG), ("after an edit", LONG.replace("x0 <- 0", "x0 <- 1"))):
            began = time.perf_counter()
            preview.edit(text)
            await page.settled()
            found[name] = round(time.perf_counter() - began, 2)
    await preview.close()
    print(json.dumps({"2 000 chunks, seconds": found}))


def main() -> None:
    """Start a hub without other standbys, and print all figures."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (local := folder / "local.py").write_text(LOCAL.read_text().replace('"spare": 2', '"spare": 0'))
        rc2 = Rc2(folder / "hub", local=local)
        rc2.start()
        try:
            asyncio.run(open_documents(rc2, folder / "profile"))
        finally:
            rc2.stop()
        asyncio.run(long_document(folder))


if __name__ == "__main__":
    main()
