"""The pool of single-user mode: standbys are processes of this machine. Keeps `spare` of each profile ready.

A claim takes the oldest ready standby; with none left, people wait in the order they came. Refill is paced: it starts when
no claim has come for a moment, one standby at a time, so that it does not slow the login it follows; only people who wait
are worth more haste. Where `spare` follows the day, each look asks it anew, and standbys that are too many are ended.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any
from uuid import uuid4

from traitlets import Unicode, default
from traitlets.config import Configurable

from rc2hub import metrics
from rc2hub.errors import StandbyError
from rc2hub.pool.activation import StreamedStandby
from rc2hub.pool.stream import SocketLines, Stream
from rc2hub.pool.tally import Tally
from rc2hub.processes import end, marked, scratch
from rc2hub.profiles import PoolState, Profile

log = logging.getLogger("JupyterHub")

QUIET = 1.5
"""Seconds without a claim before refill starts; a login is over well before."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between tries while standbys fail to start."""
LOOK_AGAIN = 5.0
"""Seconds between looks whether ready standbys still run, and are as many as wanted by now."""
READY_TIMEOUT = 120.0
"""Seconds for a standby to get ready; three on two idle cores, far more while twenty start at once."""


class LocalStandby(StreamedStandby):
    """One process that is ready to become somebody's compute server."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start the process; its attachments folder is its mark, by which all its descendants are known."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True)
        scratch(folder).mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            command = [sys.executable, "-m", "rc2hub.compute.standby", str(fd)]
            self.process = subprocess.Popen(command, env=dict(environment), pass_fds=[fd], start_new_session=True)  # noqa: S603
        self._lines = SocketLines(ours)
        self.stream = Stream(self._lines)
        self.port = 0

    @property
    def url(self) -> str:
        """Where the compute server serves once it is somebody's."""
        return f"http://127.0.0.1:{self.port}"

    async def get_ready(self) -> None:
        """Wait until it could be claimed.

        Raises:
            StandbyError: if it ended instead.
        """
        await self._lines.open()
        async with asyncio.timeout(READY_TIMEOUT):
            self.port = (await self.stream.receive())["port"]

    async def discard(self) -> None:
        """End the process, its descendants and its folder; nothing really waits here, so it is never half done."""
        await self.stream.close()
        end(self.folder)
        self.process.wait()


class Kind:
    """The standbys of one profile."""

    def __init__(self, profile: Profile, start: Callable[[Profile], LocalStandby]) -> None:
        """Take what starts one; `run` keeps them."""
        self.profile = profile
        self._start = start
        self._ready: deque[LocalStandby] = deque()
        self._waiting: deque[asyncio.Future[LocalStandby]] = deque()
        self._starting = 0
        self._wake = asyncio.Event()
        self._quiet_from = self._retry_from = 0.0
        self._pause, self._why = FIRST_PAUSE, ""
        self.tally = Tally(
            profile,
            ready=lambda: len(self._ready),
            starting=lambda: self._starting,
            broken=lambda: int(bool(self._why)),
            why=lambda: self._why,
        )

    async def claim(self) -> LocalStandby:
        """Take the oldest ready standby, or wait for the next in the order of asking.

        Raises:
            StandbyError: if standbys do not start.
        """
        asked = self.tally.asked()
        try:
            standby, result = await self._take()
        except StandbyError:
            self.tally.claimed("", asked, metrics.FAILED)
            raise
        self.tally.claimed(standby.folder.name, asked, result)
        return standby

    async def _take(self) -> tuple[LocalStandby, str]:
        self._quiet_from = self._wake_in(QUIET)
        while self._ready:
            standby = self._ready.popleft()
            if standby.process.poll() is None:
                return standby, metrics.WARM
            await standby.discard()
        place: asyncio.Future[LocalStandby] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._wake.set()
        try:
            return await place, metrics.WAITED
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and not place.exception():
                self._take_in(place.result())
            raise

    async def run(self) -> None:
        """Keep the standbys until cancelled, then end those that are nobody's."""
        try:
            async with asyncio.TaskGroup() as starting:
                while True:
                    while not self._needs_one():
                        self._wake.clear()
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(LOOK_AGAIN):  # wait_for of Python 3.11 can swallow a cancellation
                                await self._wake.wait()
                        await self._tidy()
                    self._starting += 1
                    starting.create_task(self._start_one(), name=f"rc2 standby {self.profile.name}")
        finally:
            while self._ready:
                await self._ready.popleft().discard()

    async def _tidy(self) -> None:
        """Take out standbys that ended by themselves, so that they are replaced before somebody comes, and surplus ones."""
        for standby in [standby for standby in self._ready if standby.process.poll() is not None]:
            self._ready.remove(standby)
            await standby.discard()
        while len(self._ready) > self.tally.wanted():
            await self._ready.pop().discard()

    def _needs_one(self) -> bool:
        """Whether to start one now: at once and several for people who wait, else one by one when it is quiet."""
        self._waiting = deque(place for place in self._waiting if not place.done())
        on_the_way, now = len(self._ready) + self._starting, time.monotonic()
        if on_the_way >= self.tally.wanted() + len(self._waiting) or now < self._retry_from:
            return False
        if self._waiting:
            return self._starting < (os.cpu_count() or 1)
        return not self._starting and now >= self._quiet_from

    async def _start_one(self) -> None:
        began = time.monotonic()
        standby = self._start(self.profile)
        try:
            await standby.get_ready()
        except (StandbyError, TimeoutError) as error:
            await standby.discard()
            self._note_failure(error)
        except BaseException:
            await standby.discard()
            raise
        else:
            self._pause, self._why = FIRST_PAUSE, ""
            self.tally.refilled(time.monotonic() - began, held_back=QUIET)
            self._take_in(standby)
        finally:
            self._starting -= 1
            self._wake.set()

    def _take_in(self, standby: LocalStandby) -> None:
        """Give the standby to who has waited longest, or keep it ready."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(standby)
                break
        else:
            self._ready.append(standby)

    def _note_failure(self, error: Exception) -> None:
        """Tell who has waited longest, and pause longer each time: a broken image must not become a storm."""
        self._why = str(error) or f"R was not ready in {READY_TIMEOUT:.0f} seconds."
        log.error("A standby of the profile %s did not start: %s", self.profile.name, self._why)
        self._retry_from = self._wake_in(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if self._waiting:
            message = "R could not be started; an operator finds the reason in the hub's log. Try again in a minute."
            self._waiting.popleft().set_exception(StandbyError(message))

    def _wake_in(self, seconds: float) -> float:
        """Look again after so many seconds; returns that moment of the monotonic clock."""
        asyncio.get_running_loop().call_later(seconds, self._wake.set)
        return time.monotonic() + seconds


class LocalPool(Configurable):
    """The standbys of all profiles, as processes of this machine."""

    runtime_dir = Unicode(
        help="""Memory-backed folder for the secrets of attachments. The default lies in /dev/shm and differs for each
        account and each hub's working directory, so that two hubs do not take each other's processes for leftovers.""",
    ).tag(config=True)

    @default("runtime_dir")
    def _default_runtime_dir(self) -> str:
        hub = hashlib.sha256(os.getcwd().encode()).hexdigest()[:12]
        return f"/dev/shm/rc2-{os.getuid()}-{hub}"  # noqa: S108 - made 0700, by a name that differs for each account

    def __init__(self, profiles: Mapping[str, Profile], environment: Mapping[str, str], **kwargs: Any) -> None:
        """Take the environment that every standby is born with."""
        super().__init__(**kwargs)
        self._environment = environment
        self._kinds = {name: Kind(profile, self._start) for name, profile in profiles.items()}

    async def claim(self, profile: str) -> LocalStandby:
        """Take a standby of the profile, waiting for one if need be.

        Raises:
            StandbyError: if standbys do not start.
        """
        return await self._kinds[profile].claim()

    def states(self) -> list[PoolState]:
        """How the standbys of each profile are now."""
        return [kind.tally.state() for kind in self._kinds.values()]

    async def run(self, in_use: Callable[[], set[str]]) -> None:
        """Sweep what an earlier hub left, then keep every kind until cancelled.

        Args:
            in_use: says which folders are those of somebody's compute server.
        """
        await asyncio.to_thread(sweep, Path(self.runtime_dir), {Path(folder) for folder in in_use() if folder})
        try:
            async with asyncio.TaskGroup() as kinds:
                for name, kind in self._kinds.items():
                    kinds.create_task(kind.run(), name=f"rc2 pool {name}")
        finally:
            with contextlib.suppress(OSError):  # compute servers that outlive this hub keep it
                os.rmdir(self.runtime_dir)  # at once: the loop may be about to stop

    def _start(self, profile: Profile) -> LocalStandby:
        folder = Path(self.runtime_dir, uuid4().hex)
        return LocalStandby(folder, {**self._environment, **constants(folder, profile)})


def constants(folder: Path, profile: Profile) -> dict[str, str]:
    """What a compute server knows from its birth and for life, whatever is attached to it when (design D12)."""
    threads = str(max(1, int(profile.cpu)))
    return {
        "RC2_ATTACHMENTS": str(folder),
        "TMPDIR": str(scratch(folder)),
        "PGSERVICEFILE": str(folder / "pg_service.conf"),
        "PGPASSFILE": str(folder / "pgpass"),
        "JUPYTER_RUNTIME_DIR": str(folder / "jupyter"),
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "rc2-standby",
        "RC2_PROFILE": profile.name,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }


def sweep(root: Path, in_use: AbstractSet[Path]) -> None:
    """End every process and remove every folder under `root` that belongs to no compute server in use.

    Raises:
        StandbyError: if another account holds `root`: it could put its own files in the place of ours.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.lstat().st_uid != os.getuid():
        raise StandbyError(f"{root} is another account's; set c.LocalPool.runtime_dir to a folder that only you can write.")
    left = {folder for _, folder in marked(root)} | {folder for folder in root.iterdir() if folder.is_dir()}
    for folder in left - in_use:
        end(folder)
