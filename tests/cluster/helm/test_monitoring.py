"""Dashboard, alert rules and ServiceMonitor: off by default, right for Prometheus, and about metrics that there are."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from rc2hub import metrics
from tests.cluster.helm.chart import CHART, Object, of_kind, render, render_file
from tests.cluster.helm.programs import built
from tests.cluster.helm.schemas import operators_schema
from tests.cluster.helm.test_render import hub_configuration

pytestmark = pytest.mark.timeout(900)  # promtool is built once, which takes three minutes
ALL = "--set=monitoring.dashboard=true,monitoring.alerts=true,monitoring.serviceMonitor=true"
RULES = CHART / "files" / "alerts.yaml"
CASES = Path(__file__).with_name("alerts_test.yaml")
DASHBOARD = CHART / "files" / "dashboard.json"
FROM_ELSEWHERE = {"container_memory_working_set_bytes", "kube_pod_owner"}
"""The kubelet's, and kube-state-metrics'."""


def promtool(*arguments: str, text: str | None = None) -> str:
    # without the clouds' service discovery, which takes twice as long to build and which no rule needs
    package = "github.com/prometheus/prometheus/cmd/promtool"
    program = built(Path(__file__).with_name("promtool"), "-tags=remove_all_sd", package)
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules() -> None:
    assert "5 rules found" in promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(CASES.read_text().replace("ALERTS", str(RULES)))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "cases.yaml"))


def test_every_alert_has_a_case() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    cases = yaml.safe_load(CASES.read_text())["tests"]
    tried = {each["alertname"] for case in cases for each in case["alert_rule_test"]}
    assert tried == {rule["alert"] for rule in rules}


def test_prometheus_takes_what_the_dashboard_asks() -> None:
    rules = [{"record": f"panel:{index}", "expr": each} for index, each in enumerate(questions())]
    text = yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]})
    assert f"{len(rules)} rules found" in promtool("check", "rules", text=text)


def test_alerts_and_dashboard_ask_for_metrics_that_there_are() -> None:
    metrics.watch("r", wanted=int, ready=int, starting=int, broken=int)
    there = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    for expression in [*questions(), *(rule["expr"] for rule in rules)]:
        asked = set(re.findall(r"\b(?:rc2|container|kube)_\w+", expression))
        assert asked, expression
        assert asked <= there | FROM_ELSEWHERE


def test_no_panel_lies_on_another_and_each_says_its_unit() -> None:
    places: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        mine = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not places & mine, panel["title"]
        assert place["x"] + place["w"] <= 24
        assert panel["fieldConfig"]["defaults"]["unit"]
        places |= mine


def questions() -> Iterator[str]:
    """What the dashboard's panels ask, with values for its variables."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            asked = re.sub(r"\$__(range|rate_interval)\b", "5m", target["expr"])
            yield re.sub(r"\$(namespace|profile|compute)\b", "x", asked)


def test_by_default_there_is_nothing_of_it() -> None:
    objects = render_file("department")
    assert not of_kind(objects, "PrometheusRule") + of_kind(objects, "ServiceMonitor")
    assert "dashboard" not in json.dumps([each["metadata"]["name"] for each in objects])
    assert "metrics-token" not in json.dumps(objects)


@pytest.mark.parametrize("kind", ["PrometheusRule", "ServiceMonitor"])
def test_the_operator_knows_every_field(kind: str) -> None:
    operators_schema(kind).validate(one(kind))


def test_the_schema_would_see_a_wrong_field() -> None:
    monitor = one("ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "15s"
    with pytest.raises(Exception, match="intervall"):
        operators_schema("ServiceMonitor").validate(monitor)


def one(kind: str, *arguments: str) -> Object:
    return of_kind(render(ALL, *arguments), kind)[0]


def test_the_rules_are_those_of_the_file() -> None:
    assert one("PrometheusRule")["spec"] == yaml.safe_load(RULES.read_text())


def test_the_dashboard_knows_where_this_releases_compute_servers_are() -> None:
    objects = render(ALL, "--namespace=stats", "--set=compute.namespace=people")
    found = next(each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == "rc2-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    dashboard = json.loads(found["data"]["rc2.json"])
    assert next(each for each in dashboard["templating"]["list"] if each["name"] == "compute")["query"] == "people"
    assert dashboard["uid"] != json.loads(DASHBOARD.read_text())["uid"]


def test_prometheus_reads_the_hubs_metrics_with_a_token_for_that_alone(
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


def test_prometheus_reaches_the_hub_only_where_it_is_asked_to() -> None:
    peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}
    for objects, there in ((render(ALL), True), (render_file("defaults"), False)):
        hub = next(each for each in of_kind(objects, "NetworkPolicy") if each["metadata"]["name"] == "rc2-hub")
        assert (peer in hub["spec"]["ingress"][0]["from"]) == there


def test_labels_by_which_prometheus_selects_are_the_operators() -> None:
    for kind in ("PrometheusRule", "ServiceMonitor"):
        assert one(kind, "--set=monitoring.labels.release=stack")["metadata"]["labels"]["release"] == "stack"
