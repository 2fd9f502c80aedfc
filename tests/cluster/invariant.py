"""A watcher that stands beside a pool: were standbys ever too few without a replacement under way?"""

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Namespace

TIMELINES = Path(__file__).parents[2] / "build" / "pool"
PACE = 2.5
"""Seconds after which a replacement has to be under way: two, and what it takes to see it."""


class Watcher:
    """Sees every change of a profile's pods from outside, by a watch of its own."""

    def __init__(self, namespace: Namespace, spare: int, profile: str = "r") -> None:
        self.spare = spare
        self.moments: list[tuple[float, int, int]] = []
        """Seconds of the wall clock, standbys that are ready, standbys that start."""
        path = f"/api/v1/namespaces/{namespace.name}/pods?labelSelector=rc2-pool%3D{profile}&watch=1&timeoutSeconds=3600"
        kubectl = namespace.cluster.settings["KUBECTL"]
        self._command = [kubectl, f"--kubeconfig={namespace.cluster.settings['KUBECONFIG']}", "get", "--raw", path]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._process.kill()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):  # the API server may be away
            pods: dict[str, str] = {}
            with subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as self._process:
                for line in self._process.stdout or ():
                    self._note(json.loads(line), pods)

    def _note(self, event: dict[str, Any], pods: dict[str, str]) -> None:
        if event["type"] in ("ADDED", "MODIFIED"):
            pods[event["object"]["metadata"]["name"]] = _state(event["object"])
        elif event["type"] == "DELETED":
            pods.pop(event["object"]["metadata"]["name"], None)
        states = list(pods.values())
        self.moments.append((time.time(), states.count("ready"), states.count("starting")))

    def too_few(self, away: Sequence[tuple[float, float]] = ()) -> list[tuple[float, float]]:
        """When, and for how long, ready and starting standbys together were too few for more than `PACE`.

        While the hub was away, nobody could log in, and the time does not count.
        """
        found, since = [], 0.0
        for now, ready, starting in [*self.moments, (time.time(), self.spare, 0)]:
            if ready + starting >= self.spare:
                excused = sum(max(0.0, min(now, back) - max(since, left)) for left, back in away)
                if since and now - since - excused > PACE:
                    found.append((since, round(now - since - excused, 2)))
                since = 0.0
            else:
                since = since or now
        return found

    def report(self, name: str, away: Sequence[tuple[float, float]]) -> None:
        """Write the timeline: seconds, ready, starting; and when they were too few."""
        TIMELINES.mkdir(parents=True, exist_ok=True)
        first = self.moments[0][0] if self.moments else 0.0
        lines = [f"{now - first:9.3f} {ready:3} {starting:3}" for now, ready, starting in self.moments]
        short = [f"{since - first:9.3f} too few, for {seconds} s" for since, seconds in self.too_few(away)]
        (TIMELINES / f"{name}.txt").write_text(
            "\n".join([f"  seconds ready starting (spare {self.spare})", *lines, *short, ""])
        )


def _state(pod: dict[str, Any]) -> str:
    if "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in ("Failed", "Succeeded"):
        return "gone"
    if pod["spec"].get("schedulingGates"):
        return "resting"
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
    return "ready" if ready else "starting"
