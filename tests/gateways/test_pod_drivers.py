"""The pods of Spark that are built; tests/cluster/test_spark_pods.py runs them."""

import json
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets import TraitError
from traitlets.config import Config

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import hive_conf as hive_module
from rc2hub.gateways.driver_token import driver_token, pod_secret
from rc2hub.gateways.executor_api import matches
from rc2hub.gateways.hive_conf import hive_conf
from rc2hub.gateways.pod_drivers import PodDriver, PodDrivers
from rc2hub.gateways.pod_specs import driver_pod, executor_pod, user_annotations
from rc2hub.processes import free_ports

REQUESTED = {
    "metadata": {"labels": {"spark-exec-id": "3", "spark-app-selector": "spark-1", "spark-role": "driver"}},
    "spec": {"containers": [{"env": [{"name": "SPARK_EXECUTOR_ID", "value": "3"}, {"name": "PATH", "value": "/tmp"}]}]},
}
ALICE = user_annotations("alice", {})


def drivers(**traits: Any) -> PodDrivers:
    return PodDrivers(
        "spark", "a secret", config=Config({"SparkDrivers": {"namespace": "there", "image": "spark", **traits}})
    )


def options(pod: dict[str, Any]) -> dict[str, str]:
    return dict(part.split("=", 1) for part in pod["spec"]["containers"][0]["args"] if "=" in part)


def test_by_default_a_driver_has_no_executors():
    made = driver_pod(drivers(cores="3", memory="2g").pod_settings, "spark-alice", "uid", ALICE)
    assert options(made)["spark.master"] == "local[3]"
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "2648Mi"},
        "limits": {"cpu": "3", "memory": "2648Mi"},
    }


def test_a_driver_with_executors_uses_the_gateway_as_its_kubernetes_api():
    settings = drivers(executors=4, executors_url="http://gateway:15003").pod_settings
    assert options(driver_pod(settings, "spark-alice", "uid", ALICE))["spark.master"] == "k8s://http://gateway:15003"


def test_no_secret_is_in_a_pod():
    found = drivers(executors=4, executors_url="http://gateway:15003")
    driver = driver_pod(found.pod_settings, "spark-alice", "uid", ALICE)
    driver["metadata"]["uid"] = "1"
    shown = json.dumps([driver, executor_pod(found.pod_settings, driver, REQUESTED)])
    assert driver_token("a secret", "alice", "spark-alice") not in shown
    assert pod_secret("a secret", "spark-alice") not in shown
    assert "a secret" not in shown


def test_a_driver_reads_hdfs_with_a_token_that_stands_in_no_option():
    settings = drivers(hdfs_gateway="http://gateway:14000").pod_settings
    found = options(driver_pod(settings, "spark-alice", "uid", ALICE))
    assert found["spark.hadoop.dfs.webhdfs.oauth2.credential"] == "${rc2.driver.token}"
    assert found["spark.hadoop.dfs.webhdfs.oauth2.refresh.url"] == "http://gateway:14000/oauth2/token"
    assert found["spark.hadoop.dfs.namenode.http-address.rc2.gateway"] == "gateway:14000"
    assert "webhdfs" not in json.dumps(driver_pod(drivers().pod_settings, "spark-alice", "uid", ALICE))


def test_drivers_and_executors_use_s3_with_a_token_that_stands_in_no_option():
    settings = drivers(s3_gateway="http://gateway:14020/lab").pod_settings
    driver = driver_pod(settings, "spark-alice", "uid", ALICE)
    driver["metadata"]["uid"] = "1"
    found = options(driver)
    assert found["spark.hadoop.fs.s3a.bucket.lab.session.token"] == "${rc2.driver.token}"
    assert found["spark.hadoop.fs.s3a.bucket.lab.endpoint"] == "http://gateway:14020"
    for pod in (driver, executor_pod(settings, driver, REQUESTED)):
        assert {"name": "RC2_S3A", "value": "yes"} in pod["spec"]["containers"][0]["env"]
    without = drivers().pod_settings
    assert (
        "s3a" not in json.dumps([driver_pod(without, "s", "uid", ALICE), executor_pod(without, driver, REQUESTED)]).lower()
    )


def test_the_catalogue_of_a_user_stands_in_an_annotation_for_the_gateway_that_takes_the_driver_over_and_in_no_option():
    catalog = hive_conf("http://gateway:14010", "alice")
    found = drivers(hive_gateway="http://gateway:14010")
    made = driver_pod(found.pod_settings, "spark-alice", "uid", user_annotations("alice", catalog))
    assert options(made) == options(driver_pod(found.pod_settings, "spark-standby", "uid", {}))
    for pod, conf in ((made, catalog), (driver_pod(found.pod_settings, "spark-alice", "uid", ALICE), {})):
        driver = PodDriver("alice", found)
        driver.take_over(pod)
        assert driver.catalog.conf == conf


async def test_no_pod_is_made_while_it_is_not_known_whether_the_user_has_hive(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hive_module, "HIVE_TIMEOUT", 0.01)
    waiting = drivers(hive_gateway=f"http://127.0.0.1:{free_ports(1)[0]}").create_driver("alice")
    with pytest.raises(ServiceUnavailableError, match="^Spark cannot start while Hive does not answer; try again"):
        await waiting.launch()


def test_any_user_name_gives_a_separate_pod():
    names = ["alice", "Alice", "alice@example.org", "Ł" * 80, "a--b"]
    made = [driver_pod(drivers().pod_settings, "spark", "uid", user_annotations(name, {}))["metadata"] for name in names]
    assert len({drivers().create_driver(name).create_server().name for name in names}) == len(names)
    labels = {metadata["labels"]["rc2hub.org/spark-key"] for metadata in made}
    assert len(labels) == len(names)
    assert all(len(label) <= 63 for label in labels)
    assert [metadata["annotations"]["rc2hub.org/spark-key"] for metadata in made] == names


def test_only_sparks_own_labels_and_variables_of_a_request_are_used():
    driver = driver_pod(drivers().pod_settings, "spark-alice", "uid", ALICE)
    driver["metadata"]["uid"] = "1"
    made = executor_pod(drivers().pod_settings, driver, REQUESTED)
    names = {variable["name"] for variable in made["spec"]["containers"][0]["env"]}
    assert made["metadata"]["labels"]["spark-role"] == "executor"
    assert "SPARK_EXECUTOR_ID" in names
    assert "PATH" not in names
    assert made["metadata"]["ownerReferences"][0]["uid"] == "1"


def test_an_operator_can_add_fields_to_every_pod():
    made = driver_pod(drivers(extra_pod_config={"nodeSelector": {"disk": "fast"}}).pod_settings, "spark-alice", "uid", ALICE)
    assert made["spec"]["nodeSelector"] == {"disk": "fast"}


def test_an_invalid_memory_size_is_an_error_that_names_the_trait():
    with pytest.raises(TraitError, match=r"c\.PodDrivers\.memory: 'much' is not a size like 512m or 2g"):
        drivers(memory="much")


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
def test_selectors_select_as_in_kubernetes(selector: str, selects: bool):
    assert matches(selector, {"app": "spark-1", "role": "executor", "id": "3"}) is selects


def test_an_unsupported_selector_is_refused():
    with pytest.raises(HTTPError):
        matches("id notin (1)", {})
