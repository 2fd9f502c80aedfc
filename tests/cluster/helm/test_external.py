"""Users and the hub use an external PostgreSQL server, prepared as described in docs/postgresql.md."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, Namespace, eventually
from tests.cluster.helm.release import PROBE, Release, released, working
from tests.cluster.test_images import pod, run
from tests.fixtures.hub import Client

pytestmark = pytest.mark.timeout(900)
PASSWORDS = {"password": "of-postgres", "rc2-password": "of-the-broker", "hub-password": "of-the-hub"}
AS_DOCUMENTED = (
    f"CREATE ROLE rc2 LOGIN CREATEROLE PASSWORD '{PASSWORDS['rc2-password']}'",
    "GRANT pg_signal_backend TO rc2",
    "CREATE DATABASE survey OWNER rc2",
    "REVOKE CONNECT ON DATABASE survey FROM PUBLIC",
    f"CREATE ROLE hub LOGIN PASSWORD '{PASSWORDS['hub-password']}'",
    "CREATE DATABASE hub OWNER hub",
)
ROWS = 'cat(DBI::dbGetQuery(rc2::rc2_connect("survey"), "SELECT answer FROM kept")$answer)'


class Server:
    """PostgreSQL in a namespace outside the release."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self.host = f"postgresql.{namespace.name}.svc.cluster.local"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """The output of a statement, run as administrator."""
        query = [
            "psql",
            "--username=postgres",
            f"--dbname={database}",
            "--no-align",
            "--tuples-only",
            "--command",
            statement,
        ]
        return self._namespace.exec("postgresql", "env", f"PGPASSWORD={PASSWORDS['password']}", *query).strip()


def secret(namespace: Namespace) -> None:
    namespace.kubectl("create", "secret", "generic", "database", *(f"--from-literal={k}={v}" for k, v in PASSWORDS.items()))


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Server]:
    with cluster.namespace() as namespace:
        secret(namespace)
        database = pod(
            cluster,
            "postgresql",
            env=[{"name": "POSTGRES_PASSWORD_FILE", "value": "/admin/password"}, {"name": "PGHOST", "value": "127.0.0.1"}],
            readinessProbe={"exec": {"command": ["pg_isready"]}, "periodSeconds": 1},
            volumeMounts=[
                {"name": "admin", "mountPath": "/admin"},
                {"name": "data", "mountPath": "/var/lib/postgresql/data"},
            ],
        )
        database["metadata"]["labels"] = {"app": "postgresql"}
        volumes = [{"name": "admin", "secret": {"secretName": "database"}}, {"name": "data", "emptyDir": {}}]
        database["spec"] |= {"securityContext": {"fsGroup": 999}, "volumes": volumes}
        run(namespace, database)
        namespace.kubectl("expose", "pod", "postgresql", "--port=5432")
        server = Server(namespace)
        for statement in AS_DOCUMENTED:
            server.sql(statement)
        server.sql("SET ROLE rc2; CREATE TABLE kept AS SELECT 42 AS answer", "survey")
        yield server


@pytest.fixture(scope="module")
def release(cluster: Cluster, server: Server) -> Iterator[Release]:
    values = {
        "postgresql.enabled": True,
        "postgresql.external": True,
        "postgresql.host": server.host,
        "postgresql.cidrs": ["10.0.0.0/8"],
        "postgresql.existingSecret": "database",
        "postgresql.databases": {"survey": {"display_name": "Survey"}},
        "hub.database.url": f"postgresql+psycopg://hub@{server.host}/hub",
        "hub.database.passwordSecret": {"name": "database", "key": "hub-password"},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "readers", "groups": ["editors"], "scopes": ["custom:rc2:survey:read"]},
        ],
    }
    with released(cluster, **values) as release:
        secret(release.namespace)
        release.install()
        yield release


async def test_a_user_reads_its_rows_and_leaves_no_role(outside: Client, server: Server) -> None:
    async with working(outside, ada=["survey"]) as (r,):
        assert await r.run(ROWS) == "42"
        assert server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%ada%'") == "1"
    eventually(lambda: server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%ada%'") == "0")


async def test_the_hub_stores_its_users_there(outside: Client, server: Server) -> None:
    await outside.create("grace")
    assert server.sql("SELECT count(*) FROM users WHERE name = 'grace'", "hub") == "1"
