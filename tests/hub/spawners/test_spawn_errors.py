"""How errors of ours stand in the hub's log."""

import logging

import pytest

from rc2hub.errors import RequestError, ServiceUnavailableError
from rc2hub.hub.spawners.spawn_errors import RefusalFilter, spawn_exception


def record_of(error: Exception) -> logging.LogRecord:
    """What is logged of an error, as JupyterHub and KubeSpawner log every exception."""
    record = logging.LogRecord("JupyterHub", logging.ERROR, "", 0, "Failed: %s", ("pods",), (type(error), error, None))
    assert RefusalFilter().filter(record)
    return record


@pytest.mark.parametrize(
    "error", [ServiceUnavailableError("pods is forbidden"), spawn_exception(RequestError("pods is forbidden"))]
)
def test_an_error_of_ours_is_one_line_without_a_traceback(error: Exception) -> None:
    record = record_of(error)
    assert record.exc_info is None
    assert record.getMessage().startswith("Failed: pods: ")
    assert "pods is forbidden" in record.getMessage()


def test_the_traceback_of_any_other_error_is_kept() -> None:
    assert record_of(ValueError("a bug")).exc_info
