"""The live preview against knitr's cache and `rmarkdown::render()`: seconds from an edit to the whole page, 40 chunks.

    python -m tests.bench.rmd

All see the same texts in turn; each has an R that runs already. The cache is that of `cache=TRUE, autodep=TRUE`; `knit()` gives
markdown only, the others HTML. The document works on
a table of 336 776 flights, which its first chunk makes. The time that the edited chunks need themselves is in all figures.
"""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rc2hub.compute.rmarkdown.preview import Preview
from tests.bench.report import entry, write
from tests.compute.rmarkdown.test_preview import Page
from tests.fixtures.hub import process_memory

ROUNDS = 7
HEAD = "---\ntitle: Flights\noutput: {html_document: {theme: null, mathjax: null}}\n---\n\n"
SETUP = """```{r setup, include=FALSE}
library(dplyr, warn.conflicts = FALSE)
library(ggplot2)
set.seed(1)
some <- function(values) sample(values, 336776, TRUE)
flights <- data.frame(month = some(1:12), carrier = some(c("AA", "B6", "UA")), dest = some(state.abb), dep_delay = some(-20:200))
```

"""
CHUNKS = """Part {n} has *some* text, and `r {n} + 1` as a value.

```{{r month{n}}}
month{n} <- filter(flights, month == {month}, carrier == "UA")
nrow(month{n})
```

```{{r table{n}}}
month{n} |> group_by(dest) |> summarise(n = n(), late = mean(dep_delay, na.rm = TRUE)) |> arrange(desc(n)) |> head({rows})
```

```{{r plot{n}, fig.height=3}}
ggplot(month{n}, aes(dep_delay)) + geom_histogram(bins = 30, fill = "{colour}")
```

"""


def document(rows: int = 5, colour: str = "grey40", word: str = "some", month: int = 3) -> str:
    """The text with one edit in its seventh part."""
    usual = {"rows": 5, "colour": "grey40"}
    parts = [CHUNKS.format(n=n, month=n % 12 + 1, **usual) for n in range(13)]
    parts[6] = CHUNKS.format(n=6, month=month, rows=rows, colour=colour).replace("some", word)
    return HEAD + SETUP + "".join(parts)


EDITS: dict[str, Callable[[int], str]] = {
    "a table": lambda i: document(rows=6 + i),
    "a plot": lambda i: document(colour=f"grey{50 + i}"),
    "a filter with two dependants": lambda i: document(month=4 + i),
    "text": lambda i: document(word=f"word{i}"),
}


class PlainR:
    """An R that knits or renders a file as often as it is asked."""

    def __init__(self, folder: Path, setup: str, call: str) -> None:
        self.file, self.call = folder / "report.Rmd", call
        self.process = subprocess.Popen(
            ["R", "--no-echo", "--no-save"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.send(setup)

    def send(self, code: str) -> None:
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()

    def seconds(self, text: str) -> float:
        self.file.write_text(text)
        self.send(f'cat("\\ntook", system.time(suppressMessages({self.call}))[[3]], "\\n")')
        while not (line := self.process.stdout.readline()).startswith("took"):
            assert line, "R has ended"
        return float(line.split()[1])

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


async def preview_seconds(preview: Preview, page: Page, text: str) -> float:
    began = time.perf_counter()
    preview.edit(text)
    await page.settled()
    return time.perf_counter() - began


CACHE = "knitr::opts_chunk$set(cache = TRUE, autodep = TRUE)"
RENDER = 'rmarkdown::render("report.Rmd", quiet = TRUE, envir = new.env())'
PEERS = {
    "knit(), cached": (CACHE, 'knitr::knit("report.Rmd", quiet = TRUE, envir = new.env())'),
    "render(), cached": (CACHE, RENDER),
    "render()": ("", RENDER),
}


async def measure(folder: Path) -> list[dict[str, Any]]:
    peers = {}
    for name, calls in PEERS.items():
        (folder / name).mkdir()
        peers[name] = PlainR(folder / name, *calls)
    preview, page = Preview(folder / "report.Rmd"), Page()
    entries = []
    with preview.shown(page.received.put_nowait):
        ours = [await preview_seconds(preview, page, document())]
        entries += [entry("rmd: first time", ours, name, [peer.seconds(document())]) for name, peer in peers.items()]
        for name, edited in EDITS.items():
            times: dict[str, list[float]] = {peer: [] for peer in peers}
            ours, beside = [], []
            for i in range(ROUNDS):
                ours.append(await preview_seconds(preview, page, edited(i)))
                beside.append(round(1000 * (ours[-1] - page.last["seconds"])))
                for peer, taken in times.items():
                    taken.append(peers[peer].seconds(edited(i)))
            entries += [entry(f"rmd: {name}", ours, peer, taken) for peer, taken in times.items()]
            print(json.dumps({"edit": name, "milliseconds beside the chunks": beside}))
    print(json.dumps({"memory of R, MiB": process_memory(preview._r._process.pid, "VmRSS") >> 20}))
    await preview.close()
    for peer in peers.values():
        peer.close()
    return entries


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write(asyncio.run(measure(Path(folder))))
