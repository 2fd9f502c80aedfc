"""Real servers for the tests: each module of `tests/fixtures` starts one kind of server and stops it."""

import gc
import signal
from collections.abc import Generator

import pytest

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.certificates",
    "tests.fixtures.hub",
    "tests.fixtures.browser",
    "tests.fixtures.kernel",
    "tests.fixtures.spark",
    "tests.fixtures.hdfs",
    "tests.fixtures.hdfs_gateway",
    "tests.fixtures.kerberos",
    "tests.fixtures.hive",
    "tests.fixtures.oidc",
    "tests.fixtures.s3",
    "tests.fixtures.secret",
    "tests.fixtures.typst",
]


# A shell that starts the tests in the background makes them ignore Ctrl-C, and so their programs, which are sent it.
signal.signal(signal.SIGINT, signal.default_int_handler)

LOG_LENGTH = 4000
"""Characters of the log that a report has."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the hub's log to the report of a test that failed.

    Python 3.11 fails to parse a source, here for the report, while a finalizer parses another, such as that of a task in a
    test that timed out (https://github.com/python/cpython/issues/106905); then the whole run would end without a report.
    """
    gc.disable()
    report = yield
    if report.failed:
        gc.freeze()
        if rc2 := getattr(item, "funcargs", {}).get("rc2"):
            report.sections.append(("log of the hub", rc2.log()[-LOG_LENGTH:]))
    gc.enable()
    return report
