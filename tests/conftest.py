"""Real servers for the tests: each module of `tests/fixtures` starts one kind of server and stops it."""

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.certificates",
    "tests.fixtures.hub",
    "tests.fixtures.browser",
    "tests.fixtures.spark",
    "tests.fixtures.hdfs",
    "tests.fixtures.hdfs_gateway",
    "tests.fixtures.hive",
    "tests.fixtures.oidc",
    "tests.fixtures.secret",
]
