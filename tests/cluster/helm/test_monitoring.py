"""Dashboard, alert rules and ServiceMonitor: off by default, valid for Prometheus, and only about metrics that exist."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from rc2hub.hub import metrics
from tests.cluster.helm import programs
from tests.cluster.helm.chart import CHART, Object, of_kind, render, render_file
from tests.cluster.helm.schemas import operator_schema
from tests.cluster.helm.test_render import hub_configuration

pytestmark = pytest.mark.timeout(900)  # promtool is built here if `make cluster-build` has not
ALL = "--set=monitoring.dashboard=true,monitoring.alerts=true,monitoring.serviceMonitor=true"
RULES = CHART / "files" / "alerts.yaml"
CASES = Path(__file__).with_name("alerts_test.yaml")
DASHBOARD = CHART / "files" / "dashboard.json"
EXTERNAL_METRICS = {"container_memory_working_set_bytes", "kube_pod_owner"}
"""From the kubelet and from kube-state-metrics."""


def promtool(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        [programs.promtool(), *arguments], input=text, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_the_rules() -> None:
    assert "5 rules found" in promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))


def test_alerts_fire_only_when_they_should(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(CASES.read_text().replace("ALERTS", str(RULES)))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "cases.yaml"))


def test_every_alert_has_a_case() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    cases = yaml.safe_load(CASES.read_text())["tests"]
    tested = {each["alertname"] for case in cases for each in case["alert_rule_test"]}
    assert tested == {rule["alert"] for rule in rules}


def test_prometheus_accepts_the_queries_of_the_dashboard() -> None:
    rules = [{"record": f"panel:{index}", "expr": each} for index, each in enumerate(queries())]
    text = yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]})
    assert f"{len(rules)} rules found" in promtool("check", "rules", text=text)


def test_alerts_and_dashboard_use_only_existing_metrics() -> None:
    metrics.register_pool("r", desired=int, ready=int, starting=int, broken=int)
    existing = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    for expression in [*queries(), *(rule["expr"] for rule in rules)]:
        used = set(re.findall(r"\b(?:rc2|container|kube)_\w+", expression))
        assert used, expression
        assert used <= existing | EXTERNAL_METRICS


def test_panels_do_not_overlap_and_each_has_a_unit() -> None:
    occupied: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        position = panel["gridPos"]
        cells = {(position["x"] + x, position["y"] + y) for x in range(position["w"]) for y in range(position["h"])}
        assert not occupied & cells, panel["title"]
        assert position["x"] + position["w"] <= 24
        assert panel["fieldConfig"]["defaults"]["unit"]
        occupied |= cells


def queries() -> Iterator[str]:
    """The queries of the dashboard's panels, with values for its variables."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            query = re.sub(r"\$__(range|rate_interval)\b", "5m", target["expr"])
            yield re.sub(r"\$(namespace|profile|compute)\b", "x", query)


def test_monitoring_is_off_by_default() -> None:
    objects = render_file("department")
    assert not of_kind(objects, "PrometheusRule") + of_kind(objects, "ServiceMonitor")
    assert "dashboard" not in json.dumps([each["metadata"]["name"] for each in objects])
    assert "metrics-token" not in json.dumps(objects)


@pytest.mark.parametrize("kind", ["PrometheusRule", "ServiceMonitor"])
def test_the_objects_are_valid_for_the_prometheus_operator(kind: str) -> None:
    operator_schema(kind).validate(one(kind))


def test_the_schema_rejects_an_unknown_field() -> None:
    monitor = one("ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "15s"
    with pytest.raises(Exception, match="intervall"):
        operator_schema("ServiceMonitor").validate(monitor)


def one(kind: str, *arguments: str) -> Object:
    return of_kind(render(ALL, *arguments), kind)[0]


def test_the_prometheus_rule_contains_the_file() -> None:
    assert one("PrometheusRule")["spec"] == yaml.safe_load(RULES.read_text())


def test_the_dashboard_uses_the_compute_namespace_of_the_release() -> None:
    objects = render(ALL, "--namespace=stats", "--set=compute.namespace=users")
    found = next(each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == "rc2-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    dashboard = json.loads(found["data"]["rc2.json"])
    assert next(each for each in dashboard["templating"]["list"] if each["name"] == "compute")["query"] == "users"
    assert dashboard["uid"] != json.loads(DASHBOARD.read_text())["uid"]


def test_prometheus_reads_the_hubs_metrics_with_a_token_without_other_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = render(ALL)
    endpoint = one("ServiceMonitor")["spec"]["endpoints"][0]
    key = endpoint["authorization"]["credentials"]
    secrets = {each["metadata"]["name"]: each for each in of_kind(objects, "Secret")}
    assert key["key"] in secrets[key["name"]]["data"]
    variables = hub_variables(objects)
    assert variables["RC2_METRICS_TOKEN"]["valueFrom"]["secretKeyRef"] == key
    monkeypatch.setenv("RC2_METRICS_TOKEN", "token")
    c = hub_configuration(objects, tmp_path, monkeypatch)
    assert {"name": "prometheus", "api_token": "token"} in c.JupyterHub.services
    assert [role["scopes"] for role in c.JupyterHub.load_roles if "prometheus" in role.get("services", [])] == [
        ["read:metrics"]
    ]


def hub_variables(objects: list[Object]) -> dict[str, Any]:
    hub = next(each for each in of_kind(objects, "Deployment") if each["metadata"]["name"] == "rc2-hub")
    return {each["name"]: each for each in hub["spec"]["template"]["spec"]["containers"][0]["env"]}


def test_prometheus_reaches_the_hub_only_with_a_service_monitor() -> None:
    peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}
    for objects, expected in ((render(ALL), True), (render_file("defaults"), False)):
        hub = next(each for each in of_kind(objects, "NetworkPolicy") if each["metadata"]["name"] == "rc2-hub")
        assert (peer in hub["spec"]["ingress"][0]["from"]) == expected


def test_rules_and_monitors_have_the_labels_of_the_values() -> None:
    for kind in ("PrometheusRule", "ServiceMonitor"):
        assert one(kind, "--set=monitoring.labels.release=stack")["metadata"]["labels"]["release"] == "stack"
