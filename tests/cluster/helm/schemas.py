"""Schemas of Kubernetes objects for kubeconform, made from the OpenAPI document in the Go module of Kubernetes: these tests run
without access to web sites."""

import functools
import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from jsonschema import Draft202012Validator

VERSIONS = ("1.33.6", "1.34.4")
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
CACHE = Path(os.environ.get("RC2_CACHE", Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rc2hub"))
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
Schema = dict[str, Any]


@functools.cache
def schemas(version: str) -> Path:
    """The folder with the schemas of this version of Kubernetes; created once."""
    folder = CACHE / "cluster" / f"schemas-{version}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as new:
            _write(Path(new), _definitions(version))
            Path(new).rename(folder)
            Path(new).mkdir()  # for the with statement to remove
    return folder


@functools.cache
def operator_schema(kind: str) -> Draft202012Validator:
    """The schema of an object of the Prometheus Operator, from the definitions in its Go module."""
    file = _module(OPERATOR) / "example" / "prometheus-operator-crd" / f"monitoring.coreos.com_{kind.lower()}s.yaml"
    definition = yaml.load(file.read_text(), yaml.CSafeLoader)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    strict = _strict(definition, {}, ())
    strict["properties"]["metadata"] = {}
    return Draft202012Validator(strict)


def _module(name: str) -> Path:
    """The folder of a Go module."""
    command = ["go", "mod", "download", "-json", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["Dir"])


def _definitions(version: str) -> Schema:
    document = _module(f"k8s.io/kubernetes@v{version}") / "api" / "openapi-spec" / "swagger.json"
    definitions: Schema = json.loads(document.read_text())["definitions"]
    return definitions


def _write(folder: Path, definitions: Schema) -> None:
    for schema in definitions.values():
        for named in schema.get("x-kubernetes-group-version-kind", []):
            group = named["group"].partition(".")[0]
            name = "-".join(word for word in (named["kind"].lower(), group, named["version"]) if word)
            (folder / f"{name}.json").write_text(json.dumps(_strict(schema, definitions, ())))


def _strict(schema: Schema, definitions: Schema, above: tuple[str, ...]) -> Schema:
    """The schema with its references resolved, and without additional properties."""
    if reference := schema.get("$ref", "").rpartition("/")[2]:
        if reference in above:
            return {}  # only definitions of resources are recursive
        return _strict(definitions[reference], definitions, (*above, reference))
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string") or above[-1:] == (QUANTITY,):
        return {"type": ["string", "number"]}
    strict = {key: value for key, value in schema.items() if key in {"type", "required", "enum"}}
    if "properties" in schema:
        strict["properties"] = {name: _strict(each, definitions, above) for name, each in schema["properties"].items()}
        strict["additionalProperties"] = False
    for key in {"items", "additionalProperties"} & schema.keys():
        strict[key] = _strict(schema[key], definitions, above)
    return strict
