"""The documents: their examples run or are checked, and everything that they name exists."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubespawner
import pytest
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.spawner import Spawner
from kubespawner.reflector import ResourceReflector
from traitlets.config import Config

from rc2hub.broker.openapi import document as api_document
from rc2hub.configure import check, install
from rc2hub.services.base import SharedService
from scripts.reference import CLASSES
from tests.fixtures.hub import ROOT

DOCS = sorted((ROOT / "docs").glob("*.md"))
NAMED = ("README.md", "DESIGN.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md", "examples/data/README.md")
PAGES = [*(ROOT / name for name in NAMED), *DOCS]
CHART = ROOT / "helm" / "rc2hub"
ANOTHER_CHART = "install-zero-to-jupyterhub.md"
"""Its values are those of another chart."""
CONFIGURABLES: dict[str, type[Any]] = {
    each.__name__: each
    for each in (
        *CLASSES,
        *(JupyterHub, Authenticator, SharedPasswordAuthenticator, Spawner, ResourceReflector, kubespawner.KubeSpawner),
    )
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def label(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=label)
each_doc = pytest.mark.parametrize("page", DOCS, ids=label)


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(page.read_text()) if language in languages]


@cache
def files() -> frozenset[str]:
    """All files of the repository, those not committed yet too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return frozenset(name for name in listed if (ROOT / name).is_file())


def exists(path: str) -> bool:
    """Whether a path of the repository, a pattern, or the end of a path names a file or folder."""
    pattern = re.escape(path.rstrip("/")).replace(r"\*", "[^/]*")
    return any(re.search(rf"(^|/){pattern}(/|$)", name) for name in files())


@each_page
def test_every_relative_link_leads_to_a_file(page: Path):
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert not [target for target in targets if not (page.parent / target).exists()]


@each_page
def test_every_path_in_backticks_exists(page: Path):
    top = {name.partition("/")[0] for name in files() if "/" in name}
    named = set(re.findall(r"`([\w.*/-]+)`", FENCE.sub("", page.read_text())))
    paths = {text for text in named if text.partition("/")[0] in top and "/" in text}
    sources = {text for text in named if text.endswith((".py", ".md", ".c", ".R", ".ipynb", ".Rmd")) and "<" not in text}
    of_the_reader = {"rc2_tokens.py", "test_rc2_tokens.py"}
    assert sorted(each for each in (paths | sources) - of_the_reader if not exists(each)) == []


def test_every_document_that_a_file_mentions_exists():
    missing = []
    for name in sorted(files()):
        if not name.endswith(
            (".py", ".R", ".yaml", ".yml", ".tpl", ".txt", ".md", ".toml", ".cfg", "Makefile", "Dockerfile")
        ):
            continue
        for document in re.findall(r"(?<![\w/.*-])((?:[\w-]+/)*[\w-]+\.md)\b", (ROOT / name).read_text()):
            beside = (ROOT / name).parent / document
            if not exists(document.replace("NAME", "*")) and not beside.exists() and name != "tests/test_words.py":
                missing.append(f"{name}: {document}")
    assert missing == []


def test_decisions_are_numbered_in_order_and_every_number_that_is_referred_to_exists():
    decided = [int(number) for number in re.findall(r"^\*\*D(\d+)\. ", (ROOT / "DESIGN.md").read_text(), re.MULTILINE)]
    assert decided == list(range(1, len(decided) + 1))
    places = [name for name in files() if name.endswith((".md", ".txt")) or name.startswith(("rc2hub/", "helm/", "images/"))]
    for name in places:
        text = (ROOT / name).read_bytes().decode(errors="replace")
        named = re.findall(r"(?:DESIGN(?:\.md)?,? |[dD]ecision |\()D(\d+)\b|^\*\*D(\d+)", text, re.MULTILINE)
        assert {int(one or other) for one, other in named} <= set(decided), name


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=label)  # it names old ones
def test_every_setting_that_a_page_names_exists(page: Path):
    text = page.read_text()
    for section, trait in re.findall(r"\bc\.([A-Z][a-z0-9]\w+)\.(\w+)(?!\w|\()", text):
        assert trait in CONFIGURABLES[section].class_trait_names(config=True), f"c.{section}.{trait}"


@each_doc
def test_a_page_begins_with_an_example(page: Path):
    beginning = page.read_text().partition("\n## ")[0]
    assert FENCE.search(beginning)


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in DOCS if page.name != "README.md" and f"({page.name})" not in index] == []


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=label)
def test_the_python_examples_of_a_page_are_accepted_by_the_hub(page: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_BROKER_TOKEN", "shared")
    c = Config({"JupyterHub": {"spawner_class": "rc2-process"}})
    names = {"get_config": lambda: c, "c": c, "install": install, "__name__": "documented"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)
        check(c)
        for section, traits in c.items():
            if CONFIGURABLES[section] in CLASSES:
                for trait, value in traits.items():
                    CONFIGURABLES[section].class_traits(config=True)[trait].validate(None, value)


def test_the_readmes_configuration_has_a_plan_for_its_pool(tmp_path: Path):
    (tmp_path / "jupyterhub_config.py").write_text(blocks(ROOT / "README.md", "python")[0])
    command = [str(Path(sys.executable).with_name("rc2hub")), "pool", "plan", "--config", "jupyterhub_config.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("r: 2 now, no change in 24 hours\n", "")


def test_readme_and_the_page_about_configuration_show_the_same_first_example():
    first = [blocks(ROOT / name, "python")[0] for name in ("README.md", "docs/configure.md")]
    assert {line.partition("#")[0].strip() for line in first[0].splitlines()} == {
        line.partition("#")[0].strip() for line in first[1].splitlines()
    }


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=label)
def test_the_values_in_a_page_are_those_of_the_chart(page: Path):
    schema = json.loads((CHART / "values.schema.json").read_text())
    for block in blocks(page, "yaml"):
        values = yaml.safe_load(block)
        if page.name != ANOTHER_CHART:
            jsonschema.validate(merged(yaml.safe_load((CHART / "values.yaml").read_text()), values), schema)


def merged(base: Any, over: Any) -> Any:
    """Values as Helm merges them."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=label)
def test_the_shell_examples_of_a_page_are_valid(page: Path):
    for block in blocks(page, "sh"):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.stderr == "", block


def python_lines() -> Iterator[str]:
    for page in DOCS:
        for block in blocks(page, "sh"):
            yield from re.findall(r"python3 -c '(from [^']+)'", block)


@pytest.mark.parametrize("code", list(python_lines()))
def test_a_python_line_of_the_shell_examples_runs(code: str):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, bool(done.stdout.strip())) == ("", True)


def test_make_targets_and_commands_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z-]+):.*##|^([a-z-]+) ([a-z-]+):$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name for row in targets for name in row if name} | {"cluster", "cluster-down"}
    for page in PAGES:
        assert set(re.findall(r"`make ([a-z-]+)", page.read_text())) <= known, page


def test_every_path_of_the_broker_in_the_documents_is_in_its_api():
    paths = api_document()["paths"]
    patterns = [re.compile("/services/rc2/api" + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in paths]
    for page in DOCS:
        for path in re.findall(r"/services/rc2/api[\w/.-]*\w", page.read_text()):
            assert path == "/services/rc2/api" or any(pattern.fullmatch(path) for pattern in patterns), path


def test_the_page_about_the_rest_api_names_every_field_of_an_attachment():
    schema = api_document()["components"]["schemas"]["AttachmentState"]
    table = (ROOT / "docs/rest-api.md").read_text().split("An attachment has these fields")[1].split("## ")[0]
    assert set(re.findall(r"`(\w+)`(?=,| \|)", re.sub(r"\|[^|]*\|$", "|", table, flags=re.MULTILINE))) == set(
        schema["properties"]
    )


def test_every_metric_and_alert_is_in_the_page_about_operation():
    page = (ROOT / "docs/operate.md").read_text()
    source = (ROOT / "rc2hub/hub/metrics.py").read_text()
    metrics = {name.removesuffix("_total") for name in re.findall(r'"(rc2_\w+)"', source)}
    assert {name.removesuffix("_total") for name in re.findall(r"`(rc2_\w+)", page)} == metrics
    alerts = yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in alerts} == set(re.findall(r"^\| `(Rc2\w+)`", page, re.MULTILINE))


@pytest.mark.parametrize(("template", "account"), [("hub-rbac", "rc2-hub"), ("spark-rbac", "rc2-spark-gateway")])
def test_the_rights_in_the_page_about_security_are_those_of_the_chart(template: str, account: str):
    rules = re.findall(r"resources: \[([\w/]+)\].*verbs: \[(.*)\]}", (CHART / f"templates/{template}.yaml").read_text())
    (row,) = re.findall(rf"^\| `{account}` .*$", (ROOT / "docs/security.md").read_text(), re.MULTILINE)
    for resource, verbs in rules:
        assert re.search(rf"{resource.rpartition('/')[2].removesuffix('s')}[^:;]*: {verbs}(;| \|)", row), resource


def test_an_administrator_reads_the_statements_that_the_tests_prepare_a_database_with():
    tested = (ROOT / "tests/cluster/helm/test_external.py").read_text()
    for statement in blocks(ROOT / "docs/postgresql.md", "sql")[0].split(";"):
        assert re.sub(r" PASSWORD.*", "", statement.strip()) in tested


def test_the_difference_between_the_modes_names_what_the_configuration_of_one_machine_says():
    local = (ROOT / "config/local/jupyterhub_config.py").read_text()
    (diff,) = blocks(ROOT / "docs/install-kubernetes.md", "diff")
    for line in re.findall(r"^-(c\..*?)\s*#", diff, re.MULTILINE):
        assert line in local


def test_the_readme_is_short_and_images_are_small():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    images = list((ROOT / "docs" / "images").iterdir())
    assert images
    assert all(image.suffix == ".png" and image.stat().st_size < 150_000 for image in images)


def test_the_page_about_a_new_kind_names_all_methods_of_the_contract_and_no_others():
    page = (ROOT / "docs" / "service-kinds.md").read_text().split("## The contract")[1]
    in_table = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert in_table == SharedService.__abstractmethods__
    assert set(re.findall(r"`([a-z]+_[a-z_]+)\b", page)) <= set(dir(SharedService)) | set(SharedService.__annotations__)


def sentences() -> Iterator[str]:
    """What the page about troubleshooting quotes, without line breaks."""
    for quoted in re.findall(r"(?:^> .*\n)+", (ROOT / "docs/troubleshoot.md").read_text(), re.MULTILINE):
        yield re.sub(r"\s*\n?> ", " ", quoted).strip()


@cache
def texts() -> tuple[str, ...]:
    """All texts of the code; what a text puts in is a `…`."""
    found = []
    for name in files():
        if name.startswith(("rc2hub/", "helm/")) and name.endswith(".py"):
            for node in ast.walk(ast.parse((ROOT / name).read_text())):
                if isinstance(node, ast.JoinedStr):
                    found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(re.sub(r"%[sd]|%\.\df", "…", node.value))
        elif name.startswith(("rc2hub/", "helm/rc2hub/templates", "images/r-compute/rc2/R/")) and (ROOT / name).suffix in {
            *(".R", ".html", ".tpl", ".txt", ".yaml")
        }:
            found.append((ROOT / name).read_text())
    return tuple(found)


@pytest.mark.parametrize("sentence", list(sentences()))
def test_a_sentence_that_is_explained_is_one_that_the_code_says(sentence: str):
    parts = [part for part in re.split(r"\s*…\s*", sentence) if len(part) > 1]
    pattern = re.compile(".*?".join(re.escape(part) for part in parts), re.DOTALL)
    assert any(pattern.search(text) for text in texts())


@pytest.mark.parametrize(
    "package", sorted(path.parent for path in (ROOT / "rc2hub").rglob("__init__.py")), ids=lambda path: path.name
)
def test_the_docstring_of_a_package_lists_its_files(package: Path):
    listed = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    files = {path.name for path in package.iterdir() if path.suffix in {".py", ".R", ".c"}} - {"__init__.py"}
    packages = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    assert {name for name in files | packages if name not in listed} == set()
