"""Real servers for the tests: each module of `tests/fixtures` starts one kind of server and stops it."""

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
    "tests.fixtures.hive",
    "tests.fixtures.oidc",
    "tests.fixtures.secret",
]


LOG_LENGTH = 4000
"""Characters of the log that a report has."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the hub's log to the report of a test that failed."""
    report = yield
    if report.failed and (rc2 := getattr(item, "funcargs", {}).get("rc2")):
        report.sections.append(("log of the hub", rc2.log()[-LOG_LENGTH:]))
    return report
