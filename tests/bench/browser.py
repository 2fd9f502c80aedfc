"""The wait of a user in a browser on one machine, compared with JupyterHub and JupyterLab as they are, in alternating visits.

    python -m tests.bench.browser [VISITS]

Each visit starts the server of alice by the button on the page and stops it afterwards. The first visit has a new profile of
Chromium; a returning one has a profile with two visits before, after which V8 has kept the compiled scripts.
"""

import asyncio
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from rc2hub.processes import free_ports
from tests.bench.lab import OURS, SLOW_NETWORK, THEIRS, Site, Wait, chromium, password_site, wait_of_user
from tests.bench.local import PEER_CONFIG, REFILL_TIME
from tests.bench.report import entry, write
from tests.fixtures.hub import LOCAL, Rc2

VISITS = 10
PEER = "JupyterHub and JupyterLab"
NETWORKS: dict[str, dict[str, Any] | None] = {"": None, ", 10 Mbit/s": SLOW_NETWORK}


def link_site(rc2: Rc2) -> Site:
    """Single-user mode: alice has a login link."""

    async def log_in(page: Page) -> None:
        await page.goto(rc2.new_link("alice"))
        await page.goto(f"{rc2.url}{OURS[0]}")

    return Site(log_in, OURS[1])


class Visitor:
    """Alice at one hub."""

    def __init__(self, rc2: Rc2, site: Site, profiles: Path) -> None:
        self.rc2, self.site, self.profiles = rc2, site, profiles

    async def visit(self, kept: str = "", network: dict[str, Any] | None = None) -> Wait:
        """One visit, with a kept profile of this name or a new one; the server is stopped afterwards."""
        with tempfile.TemporaryDirectory(dir=self.profiles, ignore_cleanup_errors=True) as new:
            async with chromium(self.profiles / kept if kept else Path(new), network) as page:
                wait = await wait_of_user(page, self.site)
        async with self.rc2.client() as client:
            await client.stop("alice")
        for workspaces in self.rc2.home.glob("homes/*/.jupyter/lab/workspaces"):
            shutil.rmtree(workspaces)  # so that the next visit shows the launcher and not this notebook
        await asyncio.sleep(REFILL_TIME)
        return wait


async def measure(visitors: list[Visitor], visits: int) -> None:
    """Visit alternately and write the report."""
    waits: dict[str, tuple[list[Wait], list[Wait]]] = defaultdict(lambda: ([], []))
    for visitor in visitors:
        async with visitor.rc2.client() as client:
            await client.create("alice")
        for _ in range(2):
            await visitor.visit("returning")
    for _ in range(visits):
        for suffix, network in NETWORKS.items():
            for name, kept in (("first visit", ""), ("returning", "returning")):
                for visitor, found in zip(visitors, waits[f"browser, {name}{suffix}"], strict=True):
                    found.append(await visitor.visit(kept, network))
                    print(f"{name}{suffix} {visitor.site.button}: {found[-1]}", flush=True)
    write(
        [
            entry(f"{task}: {point}", [getattr(w, point) for w in ours], PEER, [getattr(w, point) for w in theirs])
            for task, (ours, theirs) in waits.items()
            for point in Wait._fields
        ]
    )


def main() -> None:
    """Start both hubs, measure, stop both."""
    visits = int(sys.argv[1]) if sys.argv[1:] else VISITS
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        hub, api = free_ports(2)
        (peer := folder / "peer.py").write_text(PEER_CONFIG.replace("@HUB@", str(hub)).replace("@API@", str(api)))
        ours, theirs = Rc2(folder / "ours", local=LOCAL), Rc2(folder / "theirs", peer)
        ours.environment = {"RC2_SERVICES": "flights"}
        sites = [link_site(ours), password_site(theirs.url, "alice", *THEIRS)]
        for running, profiles in ((ours, "ours-profiles"), (theirs, "their-profiles")):
            running.start()
            (folder / profiles).mkdir()
        visitors = [
            Visitor(ours, sites[0], folder / "ours-profiles"),
            Visitor(theirs, sites[1], folder / "their-profiles"),
        ]
        try:
            asyncio.run(measure(visitors, visits))
        finally:
            ours.stop()
            theirs.stop()


if __name__ == "__main__":
    main()
