"""Watches a pool from outside: was the number of ready and starting standbys ever too low?"""

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Namespace

TIMELINES = Path(__file__).parents[2] / "build" / "pool"
REPLACEMENT_TIMEOUT = 2.5
"""Seconds within which a replacement must be starting: 2, plus the delay of the watch."""


class PoolWatcher:
    """Records every change of a profile's pods with its own watch of the API server."""

    def __init__(self, namespace: Namespace, spare: int, profile: str = "r") -> None:
        self.spare = spare
        self.samples: list[tuple[float, int, int]] = []
        """Wall-clock time in seconds, number of ready standbys, number of starting standbys."""
        path = f"/api/v1/namespaces/{namespace.name}/pods?labelSelector=rc2hub.org%2Fpool%3D{profile}&watch=1&timeoutSeconds=3600"
        kubectl = namespace.cluster.settings["KUBECTL"]
        self._command = [kubectl, f"--kubeconfig={namespace.cluster.settings['KUBECONFIG']}", "get", "--raw", path]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def __enter__(self) -> "PoolWatcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._process.kill()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(0.1):  # the API server may be down
            pods: dict[str, str] = {}
            with subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as self._process:
                for line in self._process.stdout or ():
                    self._record(json.loads(line), pods)

    def _record(self, event: dict[str, Any], pods: dict[str, str]) -> None:
        if event["type"] in ("ADDED", "MODIFIED"):
            pods[event["object"]["metadata"]["name"]] = _state(event["object"])
        elif event["type"] == "DELETED":
            pods.pop(event["object"]["metadata"]["name"], None)
        states = list(pods.values())
        self.samples.append((time.time(), states.count("ready"), states.count("starting")))

    def shortages(
        self, hub_downtimes: Sequence[tuple[float, float]] = (), longest: float = REPLACEMENT_TIMEOUT
    ) -> list[tuple[float, float]]:
        """Start and duration of each period beyond `longest` seconds with fewer than `spare` ready or starting standbys.

        The time while the hub was down does not count: no user could log in.
        """
        found, since = [], 0.0
        for now, ready, starting in [*self.samples, (time.time(), self.spare, 0)]:
            if ready + starting >= self.spare:
                excused = sum(max(0.0, min(now, end) - max(since, start)) for start, end in hub_downtimes)
                if since and now - since - excused > longest:
                    found.append((since, round(now - since - excused, 2)))
                since = 0.0
            else:
                since = since or now
        return found

    def write_report(self, name: str, hub_downtimes: Sequence[tuple[float, float]]) -> None:
        """Write the timeline (seconds, ready, starting) and the shortages."""
        TIMELINES.mkdir(parents=True, exist_ok=True)
        first = self.samples[0][0] if self.samples else 0.0
        lines = [f"{now - first:9.3f} {ready:3} {starting:3}" for now, ready, starting in self.samples]
        short = [f"{since - first:9.3f} too few, for {seconds} s" for since, seconds in self.shortages(hub_downtimes)]
        (TIMELINES / f"{name}.txt").write_text(
            "\n".join([f"  seconds ready starting (spare {self.spare})", *lines, *short, ""])
        )


def _state(pod: dict[str, Any]) -> str:
    if "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in ("Failed", "Succeeded"):
        return "gone"
    if pod["spec"].get("schedulingGates"):
        return "gated"
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
    return "ready" if ready else "starting"
