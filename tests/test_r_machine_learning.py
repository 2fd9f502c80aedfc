"""Machine learning in Spark from R as users use it; the tests are in tests/r."""

from pathlib import Path

import pytest

from rc2hub.services.base import Attachment
from tests.fixtures.r import attach, run_r

R_TESTS = Path(__file__).parent / "r"
FILES = [
    "machine-learning",
    "formulas",
    "machine-learning-errors",
    "ml-trees",
    "ml-classes",
    "ml-clusters",
    "ml-evaluate",
    "ml-metrics",
    "sparklyr-documents",
    "ml-components",
    "ml-rows",
    "ft-columns",
    "ft-text",
    "ml-pipelines",
    "ml-plots",
]
TIMEOUT = 1200
"""Seconds; a quiet machine needs two minutes for the formulas."""


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("name", FILES)
async def test_models_of_spark_have_the_results_of_r_or_a_sentence(connect_server: Attachment, tmp_path: Path, name: str):
    environment = attach(tmp_path / "attachments", connect_server)
    script = str(R_TESTS / f"test-{name}.R")
    await run_r(R_TESTS / "run.R", script, connect_server.service, environment=environment, timeout=TIMEOUT)
