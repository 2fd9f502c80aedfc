"""Pods of Spark as they are described, to Kubernetes and by it; real ones are in tests/cluster/test_spark_pods.py."""

import json
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets import TraitError
from traitlets.config import Config

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.driver_pods import PodDrivers
from rc2hub.gateways.executors import matches
from rc2hub.gateways.pod_specs import driver_pod, executor_pod
from rc2hub.gateways.pod_states import delay, end, runs

ASKED = {
    "metadata": {"labels": {"spark-exec-id": "3", "spark-app-selector": "spark-1", "spark-role": "driver"}},
    "spec": {"containers": [{"env": [{"name": "SPARK_EXECUTOR_ID", "value": "3"}, {"name": "PATH", "value": "/tmp"}]}]},
}


def drivers(**traits: Any) -> PodDrivers:
    return PodDrivers(
        "spark", "a secret", config=Config({"SparkDrivers": {"namespace": "there", "image": "spark", **traits}})
    )


def options(pod: dict[str, Any]) -> dict[str, str]:
    return dict(part.split("=", 1) for part in pod["spec"]["containers"][0]["args"] if "=" in part)


def pod(state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "spark-alice"}, "status": {"containerStatuses": [{"state": state or {}}], **status}}


def test_by_itself_a_driver_computes_alone():
    made = driver_pod(drivers(cores="3", memory="2g"), "spark-alice", "alice", "uid")
    assert options(made)["spark.master"] == "local[3]"
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "2648Mi"},
        "limits": {"cpu": "3", "memory": "2648Mi"},
    }


def test_with_executors_a_driver_takes_the_gateway_for_kubernetes():
    given = drivers(executors=4, executors_url="http://gateway:15003")
    assert options(driver_pod(given, "spark-alice", "alice", "uid"))["spark.master"] == "k8s://http://gateway:15003"


def test_no_secret_is_in_a_pod():
    given = drivers(executors=4, executors_url="http://gateway:15003")
    driver = driver_pod(given, "spark-alice", "alice", "uid")
    driver["metadata"]["uid"] = "1"
    shown = json.dumps([driver, executor_pod(given, driver, ASKED)])
    assert given.derived("spark-alice") not in shown
    assert "a secret" not in shown


def test_any_name_of_a_person_makes_a_pod_of_her_own():
    names = ["alice", "Alice", "alice@example.org", "Ł" * 80, "a--b"]
    made = [driver_pod(drivers(), drivers().new(name).name, name, "uid")["metadata"] for name in names]
    labels = {metadata["labels"]["rc2hub.org/spark-key"] for metadata in made}
    assert len(labels) == len(names)
    assert all(len(label) <= 63 for label in labels)
    assert [metadata["annotations"]["rc2hub.org/spark-key"] for metadata in made] == names


def test_of_what_a_driver_asks_for_only_sparks_own_words_count():
    driver = driver_pod(drivers(), "spark-alice", "alice", "uid")
    driver["metadata"]["uid"] = "1"
    made = executor_pod(drivers(), driver, ASKED)
    names = {variable["name"] for variable in made["spec"]["containers"][0]["env"]}
    assert made["metadata"]["labels"]["spark-role"] == "executor"
    assert "SPARK_EXECUTOR_ID" in names
    assert "PATH" not in names
    assert made["metadata"]["ownerReferences"][0]["uid"] == "1"


def test_an_operator_adds_words_to_every_pod():
    made = driver_pod(drivers(extra_pod_config={"nodeSelector": {"disk": "fast"}}), "spark-alice", "alice", "uid")
    assert made["spec"]["nodeSelector"] == {"disk": "fast"}


def test_a_memory_that_is_none_is_refused_with_the_trait():
    with pytest.raises(TraitError, match=r"c\.PodDrivers\.memory: 'much' is not a size like 512m or 2g"):
        drivers(memory="much")


@pytest.mark.parametrize(
    ("described", "why"),
    [
        (None, "its pod was removed"),
        (pod({"terminated": {"reason": "OOMKilled"}}, phase="Failed"), "its memory was not enough"),
        (pod({"terminated": {"reason": "Error"}}, phase="Failed"), "its pod ended (Error)"),
        (pod(phase="Failed", reason="Evicted"), "its pod ended (Evicted)"),
        (pod({"running": {}}, conditions=[{"type": "Ready", "status": "False"}]), "its machine is gone"),
        (pod({"running": {}}, conditions=[{"type": "Ready", "status": "True"}]), ""),
        (pod({"waiting": {"reason": "ContainerCreating"}}, phase="Pending"), ""),
    ],
    ids=["removed", "memory", "error", "evicted", "machine", "runs", "waits"],
)
def test_it_says_why_a_pod_ended(described: dict[str, Any] | None, why: str):
    assert end(described) == why


def test_what_waits_for_an_image_that_is_not_there_never_runs():
    described = pod({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image x"}}, phase="Pending")
    with pytest.raises(ServiceUnavailableError, match=r"its software is missing \(Back-off pulling image x\)"):
        runs(described)


def test_it_says_what_a_pod_waits_for():
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    assert delay(pod(conditions=[condition])) == "there is no room for it (0/2 nodes are available)"
    assert delay(None) == ""


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ("", True),
        ("app=spark-1", True),
        ("app=spark-2", False),
        ("app=spark-1,role=executor,inactive!=true", True),
        ("app!=spark-1", False),
        ("id in (1, 3),app=spark-1", True),
        ("id in (1,2)", False),
    ],
)
def test_executors_are_selected_as_kubernetes_does(selector: str, selects: bool):
    assert matches(selector, {"app": "spark-1", "role": "executor", "id": "3"}) is selects


def test_a_selector_of_another_form_is_refused():
    with pytest.raises(HTTPError):
        matches("id notin (1)", {})
