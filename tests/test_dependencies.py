"""Each import of the package is declared in setup.cfg, in the extra of the module that has the import."""

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.fixtures.hub import ROOT

EXTRAS = {
    "compute/": "compute",
    "hub/authenticators/oidc": "oidc",
    "hub/spawners/kube.py": "kubernetes",
    "hub/spawners/user_pod.py": "kubernetes",
    "kubernetes/": "kubernetes",
    "local/": "local",
    "services/contract.py": "kinds",
    "": "hub",
}
"""Start of a path in rc2hub to the extra that has what the module imports; the first one that fits."""
IN_EXTRA_OF_ANOTHER = {"psycopg-pool": "psycopg"}
"""Distributions that are installed by an extra of another one: `psycopg[pool]`."""
DISTRIBUTIONS = packages_distributions()
IN_SPARK = ROOT / "rc2hub" / "gateways" / "in_spark"
"""Programs of Spark's own Python, whose packages are in spark-requirements.txt."""
MODULES = sorted(set((ROOT / "rc2hub").rglob("*.py")) - set(IN_SPARK.iterdir()))


def requirements(extra: str) -> dict[str, Requirement]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    found = [Requirement(line) for line in config["options.extras_require"][extra].splitlines() if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def imported(module: Path) -> Iterator[str]:
    """The distributions that a module imports."""
    for node in ast.walk(ast.parse(module.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, "rc2hub"}:
            found = canonicalize_name(DISTRIBUTIONS[name][0])
            yield IN_EXTRA_OF_ANOTHER.get(found, found)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT / "rc2hub")))
def test_every_import_of_a_module_is_declared_in_its_extra(module: Path):
    path = str(module.relative_to(ROOT / "rc2hub"))
    extra = next(extra for start, extra in EXTRAS.items() if path.startswith(start))
    missing = set(imported(module)) - requirements(extra).keys()
    assert not missing, f"setup.cfg: add {', '.join(sorted(missing))} to the extra {extra}, which rc2hub/{path} needs."


@pytest.mark.parametrize("extra", sorted({*EXTRAS.values()}))
def test_every_requirement_has_an_upper_bound_and_allows_the_version_that_is_tested(extra: str):
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    versions = {canonicalize_name(name): version for name, version in tested.items()}
    for name, requirement in requirements(extra).items():
        assert any(bound.operator == "<" for bound in requirement.specifier), f"{name} has no upper bound"
        assert versions[name] in requirement.specifier, f"constraints.txt has another {name}"
