"""The watch of pods, against a small API server: that it knows the pods, and that no outage ends it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from kubernetes_asyncio.client import CoreV1Api

from rc2hub.errors import ServiceUnavailableError
from rc2hub.kubernetes import Pod, PodWatch, pod_watch
from tests.kubernetes.api_server import NAMESPACE, ApiServer, api_server, pod

DEADLINE = 10.0
LABELS = {"component": "server", "part-of": "rc2"}


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_watch, "RETRY_DELAY", 0.02)


@pytest.fixture
async def servers() -> AsyncIterator[tuple[ApiServer, CoreV1Api]]:
    async with api_server() as made:
        yield made


@pytest.fixture
def server(servers: tuple[ApiServer, CoreV1Api]) -> ApiServer:
    return servers[0]


@pytest.fixture
async def watch(servers: tuple[ApiServer, CoreV1Api]) -> AsyncIterator[PodWatch]:
    """A watch that is not started."""
    made = PodWatch(namespace=NAMESPACE, labels=LABELS, index_label="pool", api=servers[1])
    yield made
    await made.stop()


async def until(watch: PodWatch, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await watch.changed()


async def test_it_lists_the_pods_with_the_labels_and_follows_their_changes(server: ApiServer, watch: PodWatch) -> None:
    await server.change("ADDED", pod("a"))
    await watch.start()
    assert watch.first_load_future.done()
    assert (list(watch.pods), watch.get("a"), watch.get("b")) == (["ns/a"], pod("a"), None)
    async with asyncio.timeout(DEADLINE):
        await server.change("ADDED", pod("b"))
        assert await watch.until("b", lambda found: found) == pod("b")
        await server.change("MODIFIED", pod("b", changed="yes"))
        assert await watch.until("b", lambda found: found and found["metadata"]["labels"].get("changed")) == "yes"
        await server.change("DELETED", pod("a"))
        assert await watch.until("a", lambda found: found is None)
    assert [each["metadata"]["name"] for each in watch] == ["b"]
    assert server.selectors == {"component=server,part-of=rc2"}


async def test_pods_are_found_by_the_value_of_their_index_label(server: ApiServer, watch: PodWatch) -> None:
    for each in (pod("a", pool="r"), pod("b", pool="big"), pod("c")):
        await server.change("ADDED", each)
    await watch.start()
    assert {value: list(watch.labelled(value)) for value in ("r", "big", "")} == {"r": ["a"], "big": ["b"], "": []}
    await server.change("MODIFIED", pod("a"))
    await server.change("MODIFIED", pod("c", pool="big"))
    await server.change("DELETED", pod("b", pool="big"))
    await until(watch, lambda: [*watch.labelled("r"), *watch.labelled("big")] == ["c"])
    assert watch.get("a") == pod("a")


async def test_only_pods_with_our_labels_are_found_by_their_index_label(servers: tuple[ApiServer, CoreV1Api]) -> None:
    server, api = servers
    for each in (pod("ours", pool="r", hub="1"), pod("theirs", pool="r", hub="2"), pod("of-no-hub", pool="r")):
        await server.change("ADDED", each)
    watch = PodWatch(namespace=NAMESPACE, labels=LABELS, index_label="pool", own_labels={"hub": "1"}, api=api)
    await watch.start()
    assert (list(watch.labelled("r")), len(watch.pods)) == (["ours"], 3)
    await watch.stop()


async def test_pods_of_all_namespaces_are_watched_but_only_those_of_ours_are_indexed(
    servers: tuple[ApiServer, CoreV1Api],
) -> None:
    server, api = servers
    for each in (pod("a", pool="r"), pod("b", "elsewhere", pool="r")):
        await server.change("ADDED", each)
    watch = PodWatch(namespace=NAMESPACE, labels=LABELS, index_label="pool", omit_namespace=True, api=api)
    await watch.start()
    assert list(watch.pods) == ["ns/a", "elsewhere/b"]
    assert list(watch.labelled("r")) == ["a"]
    await watch.stop()


async def test_a_start_that_is_refused_fails_with_the_message_of_the_api_server(server: ApiServer, watch: PodWatch) -> None:
    server.refusal = "pods is forbidden"
    assert not watch.start_failed
    with pytest.raises(ServiceUnavailableError, match="pods is forbidden"):
        await watch.start()
    assert watch.start_failed
    with pytest.raises(ServiceUnavailableError, match="pods is forbidden"):
        await watch.first_load_future


async def test_after_an_outage_it_goes_on(server: ApiServer, watch: PodWatch) -> None:
    await watch.start()
    server.refusal = "away"
    await server.end_watches()
    await until(watch, lambda: watch.failure == "away")
    await server.change("ADDED", pod("a"))
    server.refusal = ""
    await until(watch, lambda: watch.get("a") is not None)
    assert watch.failure == ""
    assert not watch.start_failed


async def test_a_connection_without_an_answer_is_given_up(
    server: ApiServer, watch: PodWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_watch, "WATCH_TIMEOUT", 0.2)
    server.is_silent = True
    await watch.start()
    await server.change("ADDED", pod("a"))
    await until(watch, lambda: watch.get("a") is not None)


async def test_an_unexpected_answer_does_not_end_it(server: ApiServer, watch: PodWatch) -> None:
    await watch.start()
    await server.change("ADDED", pod("a"))
    await until(watch, lambda: watch.get("a") is not None)
    await server.send({"kind": "neither an event nor a status"})
    await until(watch, lambda: server.lists > 1)
    assert watch.get("a") == pod("a")


async def test_a_list_from_before_does_not_remove_a_created_pod(server: ApiServer, watch: PodWatch) -> None:
    await watch.start()
    await server.change("ADDED", pod("before"))
    await until(watch, lambda: watch.get("before") is not None)
    server.is_silent, server.list_delay = True, 0.2
    await server.end_watches()
    await until(watch, lambda: server.lists > 1)
    created = await watch.create(pod("a"))
    assert created == watch.get("a") == pod("a")
    await asyncio.sleep(0.3)
    assert watch.get("a") == pod("a")


async def test_a_patch_changes_a_pod_only_while_its_test_holds(server: ApiServer, watch: PodWatch) -> None:
    await server.change("ADDED", pod("a", standby="yes"))
    await watch.start()
    label = {"path": "/metadata/labels/standby"}
    claim = [{"op": "test", **label, "value": "yes"}, {"op": "remove", **label}]
    assert await watch.patch("a", claim) == pod("a")
    with pytest.raises(ServiceUnavailableError, match="the server rejected our request"):
        await watch.patch("a", claim)


async def test_a_pod_that_is_gone_is_deleted_without_an_error(server: ApiServer, watch: PodWatch) -> None:
    await server.change("ADDED", pod("a"))
    await watch.start()
    await watch.delete("a")
    await watch.delete("never-there")
    await until(watch, lambda: watch.get("a") is None)
    server.refusal = "no"
    with pytest.raises(ServiceUnavailableError, match="no"):
        await watch.delete("a")
    with pytest.raises(ServiceUnavailableError, match="no"):
        await watch.create(pod("b"))


async def test_a_stopped_watch_sees_no_change(server: ApiServer, watch: PodWatch) -> None:
    await watch.start()
    await watch.stop()
    seen: list[Pod] = list(watch)
    await server.change("ADDED", pod("a"))
    await asyncio.sleep(0.1)
    assert list(watch) == seen == []
