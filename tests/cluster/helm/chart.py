"""Renders the chart with helm, without a cluster.

    python -m tests.cluster.helm.chart

writes the snapshots again; review them before you commit.
"""

import difflib
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from rc2hub import __version__
from rc2hub.configure import install
from tests.cluster.cluster import find

CHART = Path(__file__).parents[3] / "helm" / "rc2hub"
VALUES = Path(__file__).with_name("values")
SNAPSHOTS = Path(__file__).with_name("snapshots")
DEFAULTS = "defaults"
GENERATED = {"rc2", "rc2-hive", "rc2-postgresql"}
"""Secrets with random values."""
CHECKSUM = re.compile("rc2hub/config: [0-9a-f]{64}")
Object = dict[str, Any]


class RefusedError(Exception):
    """Helm's message when it rejects the values."""


def render(*arguments: str) -> list[Object]:
    """The objects of a release `rc2` in the namespace `rc2`.

    Raises:
        RefusedError: if helm rejects the values.
    """
    return [each for each in yaml.load_all(_rendered(arguments), yaml.CSafeLoader) if each]


@functools.cache
def _rendered(arguments: tuple[str, ...]) -> str:
    command = [find().settings["HELM"], "template", "rc2", str(CHART), "--namespace=rc2", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RefusedError(done.stderr)
    return done.stdout


def render_file(name: str) -> list[Object]:
    """The objects for a value set."""
    return render(f"--values={VALUES / name}.yaml")


def value_sets() -> list[str]:
    """The names of the value sets."""
    return sorted(path.stem for path in VALUES.glob("*.yaml"))


def snapshot(name: str) -> str:
    """The objects of a value set as stable text; for all sets except `defaults`, the difference from `defaults`."""
    text = _text(render_file(name))
    if name == DEFAULTS:
        return text
    base = _text(render_file(DEFAULTS)).splitlines(keepends=True)
    return "".join(difflib.unified_diff(base, text.splitlines(keepends=True), DEFAULTS, name))


def snapshot_file(name: str) -> Path:
    """The file of a value set's snapshot."""
    return SNAPSHOTS / (f"{name}.yaml" if name == DEFAULTS else f"{name}.diff")


def _text(objects: list[Object]) -> str:
    for each in objects:
        if each["kind"] == "Secret" and each["metadata"]["name"] in GENERATED:
            each["data"] = dict.fromkeys(each["data"], "(made up)")
        for field in {"data", "stringData"} & each.keys():
            each[field] |= {key: f"(files/{key})" for key in each[field] if key.endswith(".py")}
    text = yaml.dump_all(sorted(objects, key=_sort_key), Dumper=_Readable, width=120, sort_keys=False)
    return CHECKSUM.sub("rc2hub/config: (checksum)", text.replace(__version__, "VERSION"))


def pod_specs(objects: list[Object]) -> Iterator[tuple[str, str, Object]]:
    """Namespace, name and spec of every pod and pod template."""
    for each in objects:
        spec = each.get("spec", {})
        pod = spec if each["kind"] == "Pod" else spec.get("template", {}).get("spec")
        if pod:
            yield each["metadata"]["namespace"], each["metadata"]["name"], pod


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """The objects of one kind."""
    return [each for each in objects if each["kind"] == kind]


def hub_configuration(objects: list[Object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The configuration after running the chart's jupyterhub_config.py like JupyterHub."""
    monkeypatch.setenv("RC2_BROKER_TOKEN", "shared")
    monkeypatch.setenv("RC2_TEST_TOKEN", "test")
    files = next(each for each in of_kind(objects, "Secret") if "stringData" in each)["stringData"]
    for name, text in files.items():
        (folder / name).write_text(text)
    c, file = Config(), folder / "jupyterhub_config.py"
    exec(compile(file.read_text(), str(file), "exec"), {"get_config": lambda: c, "__file__": str(file)})
    install(c)
    return c


def _sort_key(each: Object) -> tuple[str, str, str]:
    return each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]


class _Readable(yaml.CSafeDumper):  # type: ignore[misc] # PyYAML has no types
    """Writes multi-line strings as blocks."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def main() -> None:
    """Write the snapshots."""
    for name in value_sets():
        snapshot_file(name).write_text(snapshot(name))


if __name__ == "__main__":
    main()
