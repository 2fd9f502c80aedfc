"""The report of a benchmark: one entry for each task, our times and those of a peer from the same run."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

FILE = Path(__file__).parents[2] / "build" / "bench.json"


def entry(task: str, ours: Sequence[float], peer: str, theirs: Sequence[float], unit: str = "s") -> dict[str, Any]:
    """The entry of a task; `ratio` is the median of the peer divided by our median."""
    ratio = median(theirs) / median(ours)
    return {
        "task": task,
        "unit": unit,
        "n": len(ours),
        "ours": _summary(ours),
        "peer": peer,
        "theirs": _summary(theirs),
        "ratio": round(ratio, 2),
    }


def write(entries: Sequence[dict[str, Any]]) -> None:
    """Replace the entries of the same tasks in build/bench.json, and print these entries as a table."""
    FILE.parent.mkdir(exist_ok=True)
    tasks = {each["task"] for each in entries}
    kept = [each for each in json.loads(FILE.read_text()) if each.get("task") not in tasks] if FILE.exists() else []
    FILE.write_text(json.dumps([*kept, *entries], indent=1) + "\n")
    print(f"{'task':52} {'n':>3} {'ours p50':>9} {'p95':>8} {'theirs p50':>11} {'p95':>8} {'ratio':>6}  peer")
    for each in entries:
        ours, theirs = each["ours"], each["theirs"]
        print(
            f"{each['task']:52} {each['n']:3} {ours['p50']:9.4f} {ours['p95']:8.4f} {theirs['p50']:11.4f}"
            f" {theirs['p95']:8.4f} {each['ratio']:6.2f}  {each['peer']}"
        )


def _summary(values: Sequence[float]) -> dict[str, float]:
    p95 = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return {"p50": round(median(values), 4), "p95": round(p95, 4)}
