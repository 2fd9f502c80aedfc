"""The pool of single-user mode: standbys are processes of this machine. Keeps `spare` standbys of each profile ready.

Refill is paced (DESIGN D2): it starts when no claim has come for a moment, one standby at a time, so that it does not slow
the login it follows. Only claims that wait speed it up. Where `spare` changes with the time of day, each check reads it
again, and surplus standbys are ended.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any
from uuid import uuid4

from traitlets import Unicode, default
from traitlets.config import Configurable

from rc2hub.errors import ConfigurationError, StandbyError
from rc2hub.hub import metrics
from rc2hub.hub.pool.environment import server_environment
from rc2hub.hub.pool.pool_stats import PoolStats
from rc2hub.hub.pool.process_standby import READY_TIMEOUT, ProcessStandby
from rc2hub.hub.pool.standby_queue import StandbyQueue
from rc2hub.messages import PoolState
from rc2hub.processes import kill_marked, marked_processes, temporary_dir
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

QUIET_PERIOD = 1.5
"""Seconds without a claim before refill starts; a login takes less."""
RETRY_DELAY, MAX_RETRY_DELAY = 1.0, 60.0
"""Seconds between two tries while standbys fail to start; the delay doubles with each."""
CHECK_INTERVAL = 5.0
"""Seconds between two checks whether ready standbys still run, and are as many as they should be now."""
START_FAILED = "R could not be started; an operator finds the reason in the hub's log. Try again in a minute."


class ProcessProfilePool:
    """The standbys of one profile."""

    def __init__(self, profile: Profile, start: Callable[[Profile], ProcessStandby]) -> None:
        """Take the function that starts a standby; `run` keeps the pool."""
        self.profile = profile
        self._start = start
        self._queue: StandbyQueue[ProcessStandby] = StandbyQueue()
        self._starting = 0
        self._wake = asyncio.Event()
        self._quiet_from = self._retry_from = 0.0
        self._delay, self._failure = RETRY_DELAY, ""
        self.stats = PoolStats(
            profile,
            ready=lambda: len(self._queue),
            starting=lambda: self._starting,
            broken=lambda: int(bool(self._failure)),
            message=lambda: self._failure,
        )

    async def claim(self) -> ProcessStandby:
        """Claim the oldest ready standby, or wait for the next one in the order of claims.

        Raises:
            StandbyError: if standbys do not start.
        """
        requested_at = self.stats.record_request()
        try:
            standby, result = await self._next()
        except StandbyError:
            self.stats.record_claim("", requested_at, metrics.FAILED)
            raise
        self.stats.record_claim(standby.folder.name, requested_at, result)
        return standby

    async def run(self) -> None:
        """Keep the standbys until cancelled, then end those that are not claimed."""
        try:
            async with asyncio.TaskGroup() as starting:
                while True:
                    while not self._needs_one():
                        await self._sleep()
                        await self._discard_dead_and_surplus()
                    self._starting += 1
                    starting.create_task(self._start_one(), name=f"rc2 standby {self.profile.name}")
        finally:
            while standby := self._queue.take():
                await standby.discard()

    async def _next(self) -> tuple[ProcessStandby, str]:
        self._quiet_from = self._wake_in(QUIET_PERIOD)
        while standby := self._queue.take():
            if standby.process.poll() is None:
                return standby, metrics.WARM
            await standby.discard()
        self._wake.set()
        standby = await self._queue.wait()
        assert standby is not None  # noqa: S101 - this wait has no condition
        return standby, metrics.WAITED

    async def _sleep(self) -> None:
        """Wait until something happens, or it is time for another check."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_INTERVAL):  # wait_for of Python 3.11 can swallow a cancellation
                await self._wake.wait()

    async def _discard_dead_and_surplus(self) -> None:
        """Discard standbys that have ended, so that they are replaced before the next claim, and surplus ones."""
        for standby in self._queue:
            if standby.process.poll() is not None and self._queue.remove(standby):
                await standby.discard()
        while len(self._queue) > self.stats.desired():
            await self._queue.take_newest().discard()

    def _needs_one(self) -> bool:
        """Whether to start one now: for claims that wait at once and several, else one at a time in a quiet moment."""
        on_the_way, now = len(self._queue) + self._starting, time.monotonic()
        if on_the_way >= self.stats.desired() + self._queue.waiting or now < self._retry_from:
            return False
        if self._queue.waiting:
            return self._starting < (os.cpu_count() or 1)
        return not self._starting and now >= self._quiet_from

    async def _start_one(self) -> None:
        started_at = time.monotonic()
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
            self._delay, self._failure = RETRY_DELAY, ""
            self._queue.estimate = time.monotonic() - started_at
            self.stats.record_refill(self._queue.estimate, held_back=QUIET_PERIOD)
            self._queue.put(standby)
        finally:
            self._starting -= 1
            self._wake.set()

    def _note_failure(self, error: Exception) -> None:
        """Fail the claim that waits longest, and wait longer each time: a broken image must not use all processors."""
        self._failure = str(error) or f"R was not ready in {READY_TIMEOUT:.0f} seconds."
        log.error("A standby of the profile %s did not start: %s", self.profile.name, self._failure)
        self._retry_from = self._wake_in(self._delay)
        self._delay = min(2 * self._delay, MAX_RETRY_DELAY)
        self._queue.fail(StandbyError(START_FAILED))

    def _wake_in(self, seconds: float) -> float:
        """Check again after so many seconds; returns that time of the monotonic clock."""
        asyncio.get_running_loop().call_later(seconds, self._wake.set)
        return time.monotonic() + seconds


class ProcessPool(Configurable):
    """The standbys of all profiles, as processes of this machine."""

    runtime_dir = Unicode(
        help="""Folder in memory for the credentials of attached services. The default is in /dev/shm and differs for each
        account and each working directory of a hub, so that two hubs do not end each other's processes.""",
    ).tag(config=True)

    @default("runtime_dir")
    def _default_runtime_dir(self) -> str:
        return default_runtime_dir(os.getcwd())

    def __init__(self, profiles: Mapping[str, Profile], environment: Mapping[str, str], **kwargs: Any) -> None:
        """Take the environment that every standby starts with."""
        super().__init__(**kwargs)
        self._environment = environment
        self._profile_pools = {name: ProcessProfilePool(profile, self._start) for name, profile in profiles.items()}

    async def open(self, used_locations: Callable[[], set[str]]) -> None:
        """End what an earlier hub left; it may be called again after an error.

        Args:
            used_locations: tells the folders of all active servers.

        Raises:
            ConfigurationError: if `runtime_dir` belongs to another account.
        """
        await asyncio.to_thread(sweep, Path(self.runtime_dir), {Path(folder) for folder in used_locations() if folder})

    async def run(self, used_locations: Callable[[], set[str]]) -> None:
        """Keep the standbys of all profiles until cancelled; nothing is swept later, so the locations are not used."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, profile_pool in self._profile_pools.items():
                    tasks.create_task(profile_pool.run(), name=f"rc2 pool {name}")
        finally:
            with contextlib.suppress(OSError):  # compute servers that outlive this hub keep it
                os.rmdir(self.runtime_dir)  # without a thread: the loop may be about to stop

    def profile_pool(self, profile: str) -> ProcessProfilePool | None:
        """The standbys of a profile; None if there is no such profile."""
        return self._profile_pools.get(profile)

    async def claim(self, profile: str) -> ProcessStandby:
        """Claim a standby of the profile, waiting for one if none is ready.

        Raises:
            StandbyError: if standbys do not start.
        """
        return await self._profile_pools[profile].claim()

    def states(self) -> list[PoolState]:
        """The state of the standbys of each profile now."""
        return [profile_pool.stats.state() for profile_pool in self._profile_pools.values()]

    def _start(self, profile: Profile) -> ProcessStandby:
        folder = Path(self.runtime_dir, uuid4().hex)
        own = {"TMPDIR": str(temporary_dir(folder))}
        return ProcessStandby(folder, {**self._environment, **server_environment(profile, folder), **own})


def default_runtime_dir(working_dir: str) -> str:
    """The folder of a hub that runs in this directory."""
    hub = hashlib.sha256(working_dir.encode()).hexdigest()[:12]
    return f"/dev/shm/rc2-{os.getuid()}-{hub}"  # noqa: S108 - created with mode 0700, its name differs for each account


def sweep(root: Path, in_use: AbstractSet[Path]) -> None:
    """End every process and remove every folder under `root` that belongs to no compute server in use.

    Raises:
        ConfigurationError: if another account owns `root`: it could replace our files by its own.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.lstat().st_uid != os.getuid():
        raise ConfigurationError(
            f"{root} belongs to another account; set c.ProcessPool.runtime_dir to a folder that only you can write."
        )
    found = {folder for _, folder in marked_processes(root)} | {folder for folder in root.iterdir() if folder.is_dir()}
    for folder in found - in_use:
        kill_marked(folder)
