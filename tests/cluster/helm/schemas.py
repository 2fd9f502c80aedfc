"""What Kubernetes itself says of its objects, in the form that kubeconform reads: made from its OpenAPI document, which its Go
module brings, because no web site is reachable where these tests run."""

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
    """The folder of the schemas of that Kubernetes, made once."""
    folder = CACHE / "cluster" / f"schemas-{version}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as made:
            _write(Path(made), _definitions(version))
            Path(made).rename(folder)
            Path(made).mkdir()  # for the with statement to remove
    return folder


@functools.cache
def operators_schema(kind: str) -> Draft202012Validator:
    """What the Prometheus Operator says of its own objects, from the definitions that its Go module brings."""
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
    """The schema with all that it refers to, and without room for unknown fields."""
    if reference := schema.get("$ref", "").rpartition("/")[2]:
        if reference in above:
            return {}  # a schema within a schema: only definitions of resources have that
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
