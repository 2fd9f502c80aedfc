"""The engine of the preview: after an edit, the results are those of a new R, and no more runs than has to."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rc2hub.compute.rmarkdown.live_r import ENGINE

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
async def checked() -> list[dict[str, Any]]:
    """What became of each edit in cases.R."""
    script = HERE / "check_cases.R"
    process = await asyncio.create_subprocess_exec(
        *("Rscript", str(script), str(ENGINE), str(HERE)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]


def test_after_each_of_100_edits_all_results_are_those_of_a_new_r(checked: list[dict[str, Any]]) -> None:
    assert len(checked) >= 100
    assert [case for case in checked if not case["right"]] == []


def test_after_nine_of_ten_edits_no_chunk_runs_in_vain(checked: list[dict[str, Any]]) -> None:
    in_vain = [case["name"] for case in checked if case["in_vain"]]
    print(in_vain, file=sys.stderr)
    assert len(in_vain) <= 0.1 * len(checked)


def test_a_later_r_with_kept_results_shows_those_of_a_new_r(checked: list[dict[str, Any]]) -> None:
    assert [case for case in checked if not case["right_later"]] == []


def test_a_later_r_runs_few_chunks_that_an_edit_does_not_change(checked: list[dict[str, Any]]) -> None:
    in_vain = [case["name"] for case in checked if case["in_vain_later"]]
    print(in_vain, file=sys.stderr)
    assert len(in_vain) <= 0.4 * len(checked)
