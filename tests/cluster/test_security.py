"""What alice's pod can reach: only what belongs to alice, also for root in its container.

And what Kubernetes stores after the logins of twenty users: no secret of a user.
"""

import asyncio
import hmac
import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from secrets import token_hex

import pytest

from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.helm.release import PROBE, Release, released, wait_for_services
from tests.cluster.traces import collect, locations
from tests.fixtures.hub import Kernel

pytestmark = pytest.mark.timeout(900)
USERS = ["alice", "bob", *(f"reader{number}" for number in range(18))]
WITH_SPARK = USERS[:3]
CONCURRENT_LOGINS = 3
FUNCTIONS = """
ask <- function(url, token = "", method = "GET", scheme = "token") {
  handle <- curl::new_handle(customrequest = method, ssl_verifypeer = 0L, ssl_verifyhost = 0L, timeout = 10L)
  if (nzchar(token)) curl::handle_setheaders(handle, Authorization = paste(scheme, token))
  answer <- tryCatch(curl::curl_fetch_memory(url, handle),
    error = function(error) list(status_code = "none", content = charToRaw(conditionMessage(error))))
  cat(answer$status_code, rawToChar(answer$content))
}
shell <- function(command) cat(suppressWarnings(system(paste0("{ ", command, "; } 2>&1 </dev/null"), intern = TRUE)), sep = "\\n")
python <- function(code) shell(paste("python3 -c", shQuote(code), "2>&1 | tail -1"))
mine <- Sys.getenv("JUPYTERHUB_API_TOKEN")
hub <- Sys.getenv("JUPYTERHUB_API_URL")
broker <- Sys.getenv("RC2_BROKER_URL")
kubernetes <- paste0("https://", Sys.getenv("KUBERNETES_SERVICE_HOST"), ":", Sys.getenv("KUBERNETES_SERVICE_PORT"), "/api")
"""
DATABASE = """
con <- rc2_connect("flights")
sql <- function(...) tryCatch(cat(DBI::dbGetQuery(con, sprintf(...))[[1]]), error = function(error) cat(conditionMessage(error)))
log_in_as <- function(role) {
  code <- "import sys; from adbc_driver_postgresql import connect; from adbc_driver_manager import AdbcConnection
try: AdbcConnection(connect(sys.argv[1])); print('in', end='')
except Exception as error: print(error, end='')"
  address <- sprintf("host='%s' port='%s' dbname='%s' user='%s' password='%s'", fields[[1]], fields[[2]], fields[[3]], role,
    fields[[5]])
  cat(system2(Sys.getenv("RC2_DATA_PYTHON"), c("-c", shQuote(code), shQuote(address)), stdout = TRUE,
    env = "LD_LIBRARY_PATH="))
}
"""
CREDENTIALS = """
library(rc2)
fields <- strsplit(readLines(Sys.getenv("PGPASSFILE")), ":", fixed = TRUE)[[1]]
cat(jsonlite::toJSON(list(
  token = mine, password = fields[[5]], role = fields[[4]], pod = Sys.info()[["nodename"]]), auto_unbox = TRUE))
"""
ALSO_AS_ROOT = [
    ("Kubernetes", "ask(kubernetes)", '401 {.*"Unauthorized".*}'),
    ("no account in Kubernetes", 'shell("ls /var/run/secrets")', ".*No such file or directory"),
    ("the kubelet", 'ask(paste0("https://", node, ":10250/pods"))', "401 Unauthorized"),
    ("the read-only port of the kubelet", 'ask(paste0("http://", node, ":10255/pods"))', "none Could not connect .*"),
    ("the users of the hub", 'ask(paste0(hub, "/users"))', "403 .*Missing or invalid credentials.*"),
    ("the proxy's routes", "ask(routes)", "403 "),
    ("bob's server at its pod's address", "ask(bob)", "403 .*Forbidden.*"),
    ("the broker", 'ask(paste0(broker, "api/servers/bob/-/attachments"))', "403 .*A valid JupyterHub token .* is needed.*"),
    (
        "the broker as the hub",
        'ask(paste0(broker, "api/desired-state"), method = "PUT")',
        "403 .*Only the hub may do this.*",
    ),
    ("a mount", 'shell("mount -t tmpfs none /mnt")', "mount: /mnt: (must be superuser to use mount|permission denied).*"),
    ("a new user namespace", 'shell("unshare --user --map-root-user id")', ".*Operation not permitted"),
    ("a new mount namespace", 'shell("unshare --mount id")', ".*Operation not permitted"),
    ("the node's disk", 'shell("mknod /tmp/disk b 8 0")', ".*Operation not permitted"),
    ("raw packets", 'python("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)")', "PermissionError.*"),
    ("the node's kernel", 'shell("echo 1 > /proc/sys/kernel/panic")', ".*(Read-only file system|Permission denied)"),
    ("the control socket", 'shell("socat - UNIX-CONNECT:/run/rc2/control.sock")', ".*No such file or directory"),
    ("the environment of process 1", 'shell("cat /proc/1/environ")', ".*Permission denied"),
    ("a signal to process 1", 'shell("kill -9 1")', ".*Operation not permitted"),
    ("setuid programs", 'shell("find / -xdev -perm /6000 -type f 2>&1 | grep -v denied")', ""),
]
"""Target, R code, and the expected output: the same for alice and for root in the container."""
AS_ALICE = [
    ("Kubernetes with alice's token", 'ask(kubernetes, mine, scheme = "Bearer")', '401 {.*"Unauthorized".*}'),
    ("the users of the hub", 'ask(paste0(hub, "/users"), mine)', "403 .*Action is not authorized with current scopes.*"),
    ("bob at the hub", 'ask(paste0(hub, "/users/bob"), mine)', "404 .*No access to resources or resources not found.*"),
    ("a stop of bob's server", 'ask(paste0(hub, "/users/bob/server"), mine, "DELETE")', "404 .*No access to resources .*"),
    (
        "a new token",
        'ask(paste0(hub, "/users/alice/tokens"), mine, "POST")',
        "403 .*no permissions to generate tokens.*",
    ),
    ("the proxy's routes", "ask(routes, mine)", "403 "),
    ("bob's server", 'ask(paste0(proxy, "/user/bob/api/contents"), mine)', "403 .*Forbidden.*"),
    ("bob's page", 'ask(paste0(proxy, "/user/bob/lab"))', '200 .*<form[^>]*action="/hub/login.*'),
    ("bob's server at its pod's address", "ask(bob, mine)", "403 .*Forbidden.*"),
    ("bob's attachments", 'ask(paste0(broker, "api/servers/bob/-/attachments"), mine)', "403 .*This server is not yours.*"),
    (
        "to detach a service of bob",
        'ask(paste0(broker, "api/servers/bob/-/attachments/flights"), mine, "DELETE")',
        "403 .*This server is not yours.*",
    ),
    ("the broker as the hub", 'ask(paste0(broker, "api/desired-state"), mine, "PUT")', "403 .*Only the hub may do this.*"),
    ("the change requests", 'ask(paste0(broker, "api/change-requests"), mine)', "403 .*Only the hub may do this.*"),
    (
        "the broker as a gateway",
        'ask(paste0(broker, "api/token-reviews"), mine, "POST")',
        "403 .*Only a gateway may do this.*",
    ),
    ("PostgreSQL as its admin", 'log_in_as("rc2")', '.*FATAL:  password authentication failed for user "rc2"'),
    ("PostgreSQL as its owner", 'log_in_as("postgres")', '.*password authentication failed for user "postgres"'),
    ("PostgreSQL as bob", "log_in_as(role_of_bob)", ".*password authentication failed for user .*bob.*"),
    ("the role of the admin", 'sql("SET ROLE rc2")', 'permission denied to set role "rc2"'),
    ("the role of bob", "sql('SET ROLE \"%s\"', role_of_bob)", "permission denied to set role .*bob.*"),
    ("a new role", 'sql("CREATE ROLE friend LOGIN")', "permission denied to create role.*"),
    ("the passwords of PostgreSQL", 'sql("TABLE pg_authid")', "permission denied for table pg_authid"),
    ("a file of PostgreSQL", "sql(\"SELECT pg_read_file('PG_VERSION')\")", "permission denied for function pg_read_file"),
    ("a program of PostgreSQL", "sql(\"COPY (SELECT 1) TO PROGRAM 'id'\")", "permission denied to COPY to or from .*"),
    (
        "to end a session of bob",
        "sql(\"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '%s'\", role_of_bob)",
        "permission denied to terminate process.*",
    ),
    (
        "the queries of bob",
        "sql(\"SELECT query FROM pg_stat_activity WHERE usename = '%s'\", role_of_bob)",
        "<insufficient privilege>",
    ),
    ("the list of homes", 'shell("ls /home")', "ls: cannot open directory '/home': Permission denied"),
    ("bob's home", 'shell("ls /home/bob")', "ls: cannot open directory '/home/bob': Permission denied"),
    ("a file of bob", 'shell("cat /home/bob/diary.txt")', "cat: /home/bob/diary.txt: Permission denied"),
    ("a new home", 'shell("mkdir /home/carol")', "mkdir: cannot create directory .*Permission denied"),
    ("root by su", 'shell("su -c id")', "Password: su: Authentication failure"),
    ("root by sudo", 'shell("sudo id | cat")', ".*sudo: not found"),
    ("root by setuid", 'python("import os; os.setuid(0)")', "PermissionError.*Operation not permitted"),
    (
        "another account",
        'shell("echo root2::0:0::/: >> /etc/passwd | cat")',
        ".*cannot create /etc/passwd: Permission denied",
    ),
    ("other processes", 'shell("ps -eo uid= | sort -u | wc -l")', "2"),
]
"""The same, only for alice, with alice's token."""


@dataclass(frozen=True)
class LoggedIn:
    """A user who has logged in: R, and the user's secrets."""

    r: Kernel
    token: str
    password: str
    role: str
    pod: str


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[Release]:
    values = {
        "postgresql.enabled": True,
        "postgresql.storage.size": "1Gi",
        "postgresql.databases": {"flights": {"display_name": "Flights"}},
        "spark.enabled": True,
        "spark.drivers": {"memory": "512m"},
        "spark.resources.requests": {"cpu": "10m", "memory": "64Mi"},
        "hub.config.JupyterHub.load_groups": {"analysts": {"users": USERS}},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": [*PROBE, "access:servers"]},
            {"name": "readers", "groups": ["analysts"], "scopes": ["custom:rc2:flights:read", "custom:rc2:spark:use"]},
        ],
    }
    cluster.image("spark")
    with released(cluster, **values) as release:
        release.install("--wait-for-jobs")
        yield release


@pytest.fixture(scope="module")
async def users(release: Release) -> AsyncIterator[dict[str, LoggedIn]]:
    """Twenty users with running servers, all with PostgreSQL, some with Spark."""
    async with AsyncExitStack() as work:
        outside = await work.enter_async_context(release.client())
        await wait_for_services(outside, "flights")
        limit = asyncio.Semaphore(CONCURRENT_LOGINS)

        async def log_in(name: str) -> LoggedIn:
            async with limit:
                services = ["flights", "spark"] if name in WITH_SPARK else ["flights"]
                status, event = await outside.start(name, services=services)
                assert status == 201, event
                r = await work.enter_async_context(outside.kernel(name))
                if name in WITH_SPARK:
                    await r.run('invisible(rc2:::await_attached("spark"))')
                return LoggedIn(r, **json.loads(await r.run(FUNCTIONS + CREDENTIALS)))

        for name in USERS:
            await outside.create(name)
        logged_in = dict(zip(USERS, await asyncio.gather(*map(log_in, USERS)), strict=True))
        yield logged_in


@pytest.fixture(scope="module")
async def variables(release: Release, users: dict[str, LoggedIn]) -> str:
    """R code with addresses and names that alice could know. Bob has a world-readable file and an open session."""
    bob = users["bob"]
    await bob.r.run('writeLines("mine", "diary.txt"); Sys.chmod("diary.txt", "644")' + DATABASE)
    status = release.compute.get("pod", bob.pod)["status"]
    return f"""
bob <- "http://{status["podIP"]}:8888/user/bob/api/contents"; role_of_bob <- "{bob.role}"; node <- "{status["hostIP"]}"
proxy <- "http://rc2-proxy.{release.namespace.name}"
routes <- "http://rc2-proxy-api.{release.namespace.name}:8001/api/routes"
"""


def cases(table: list[tuple[str, str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("code", "answer"), [row[1:] for row in table], ids=[row[0] for row in table])


@cases([*ALSO_AS_ROOT, *AS_ALICE])
async def test_alice_is_refused(users: dict[str, LoggedIn], variables: str, code: str, answer: str) -> None:
    alice = users["alice"].r
    if "con" not in await alice.run("cat(ls())"):
        await alice.run(variables + DATABASE)
    output = await alice.run(code)
    assert re.fullmatch(answer, output.strip("\n"), re.DOTALL), output


@cases(ALSO_AS_ROOT)
def test_root_in_alices_container_is_refused(
    release: Release, users: dict[str, LoggedIn], variables: str, code: str, answer: str
) -> None:
    output = release.compute.exec(users["alice"].pod, "Rscript", "-e", FUNCTIONS + variables + code)
    assert re.fullmatch(answer, output.strip("\n"), re.DOTALL), output


def namespaces(release: Release) -> tuple[Namespace, ...]:
    """The namespaces of the release, of its compute servers and of Spark."""
    return release.namespace, release.compute, Namespace(release.cluster, f"{release.namespace.name}-spark")


@pytest.fixture(scope="module")
async def cookies(release: Release, users: dict[str, LoggedIn]) -> dict[str, str]:
    """The cookies of alice's browser after it has opened the server, except the session ID: it gives no access, and is logged."""
    async with release.browser("alice") as browser, browser.get(f"{release.url}/user/alice/lab") as page:
        assert page.status == 200
        held = {cookie.key: cookie.value for cookie in browser.cookie_jar if cookie.key != "jupyterhub-session-id"}
        assert {"jupyterhub-hub-login", "jupyterhub-user-alice"} <= held.keys()
        return {f"alice's cookie {name}": value for name, value in held.items()}


@pytest.fixture(scope="module")
def chart_secrets(release: Release) -> dict[str, str]:
    """The secrets that the chart has generated."""
    secrets = {name: release.namespace.get("secret", name)["data"] for name in ("rc2", "rc2-postgresql")}
    return {f"{name}/{key}": b64decode(data).decode() for name, all in secrets.items() for key, data in all.items()}


@pytest.fixture(scope="module")
def user_secrets(
    release: Release, users: dict[str, LoggedIn], cookies: dict[str, str], chart_secrets: dict[str, str]
) -> dict[str, str]:
    """Every secret of a user."""
    gateway, found = chart_secrets["rc2/gateway-secret"].encode(), dict(cookies)
    for name, user in users.items():
        found |= {f"{name}'s token": user.token, f"{name}'s password": user.password}
    for pod in namespaces(release)[2].get("pods"):
        driver = pod["metadata"]["name"]
        found[f"the secret of {driver}"] = hmac.digest(gateway, driver.encode(), "sha256").hex()
    assert len(found) >= 2 * len(USERS) + len(WITH_SPARK)
    return found


async def test_kubernetes_stores_no_secret_of_a_user(release: Release, user_secrets: dict[str, str]) -> None:
    traces = await asyncio.to_thread(collect, release.cluster, *namespaces(release))
    assert not {name: found for name, secret in user_secrets.items() if (found := locations(secret, traces))}


async def test_secrets_of_the_chart_are_only_in_its_secret_objects(release: Release, chart_secrets: dict[str, str]) -> None:
    traces = await asyncio.to_thread(collect, release.cluster, *namespaces(release))
    for name, secret in chart_secrets.items():
        found = {location for location in locations(secret, traces) if not location.startswith("etcd: ")}
        assert found == {f"{release.namespace.name}: Secret {name.split('/')[0]}"}, name


async def test_the_search_finds_planted_secrets(release: Release, users: dict[str, LoggedIn]) -> None:
    planted, compute, pod = token_hex(16), release.compute, users["alice"].pod
    compute.kubectl("annotate", "pod", pod, f"planted={planted}")
    compute.kubectl("create", "secret", "generic", "planted", f"--from-literal=word={planted}")
    # the server logs the address of a request that it refuses
    address = f'paste0(Sys.getenv("JUPYTERHUB_SERVICE_URL"), "api/contents/{planted}")'
    await users["alice"].r.run(f"invisible(curl::curl_fetch_memory({address}))")
    found = locations(planted, await asyncio.to_thread(collect, release.cluster, *namespaces(release)))
    expected = {f"{compute.name}: Pod {pod}", f"{compute.name}: Secret planted", f"{compute.name}: log of pod/{pod}"}
    assert expected <= set(found)
    if "RC2_CLUSTER_ETCD" in release.cluster.settings:
        assert "etcd: member/snap/db" in found
