"""The claim of a pod, against a small API server: who won it, and what a refusal means."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rc2hub.errors import ClaimRefusedError, StandbyError
from rc2hub.hub.pool.claim import claim_patch
from rc2hub.hub.pool.deployment import POOL
from rc2hub.kubernetes import StandbyApi
from tests.kubernetes.api_server import NAMESPACE, ApiServer, api_server, pod

LABEL = {"hub.jupyter.org/username": "alice"}
INVALID = 'Pod "a" is invalid: metadata.labels: Invalid value: "-"'
REFUSALS: list[tuple[int, dict[str, Any]]] = [
    (422, {"message": INVALID, "reason": "Invalid", "details": {"causes": [{"reason": "FieldValueInvalid"}]}}),
    (422, {"message": "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: no", "reason": "Invalid"}),
    (403, {"message": "exceeded quota: small", "reason": "Forbidden"}),
    (409, {"message": "the object has been modified", "reason": "Conflict"}),
]


@pytest.fixture
async def servers() -> AsyncIterator[tuple[ApiServer, StandbyApi]]:
    """A server with the standby `a`, and what the hub calls it with."""
    async with api_server() as (server, core):
        standby = pod("a", **{POOL: "r"})
        standby["metadata"]["annotations"] = {"of": "the template"}
        await server.change("ADDED", standby)
        yield server, StandbyApi(core.api_client, NAMESPACE)


async def test_a_claim_is_one_request(servers: tuple[ApiServer, StandbyApi]) -> None:
    server, api = servers
    claimed = await api.claim("a", claim_patch("r", LABEL, {}))
    assert claimed
    assert claimed["metadata"]["labels"] == LABEL
    assert server.requests == ["PATCH"]


async def test_a_standby_that_another_hub_has_claimed_is_lost(servers: tuple[ApiServer, StandbyApi]) -> None:
    _, api = servers
    assert await api.claim("a", claim_patch("r", LABEL, {}))
    assert await api.claim("a", claim_patch("r", {}, {})) is None


async def test_a_standby_that_is_gone_is_lost(servers: tuple[ApiServer, StandbyApi]) -> None:
    _, api = servers
    assert await api.claim("gone", claim_patch("r", LABEL, {})) is None


async def test_a_conflict_with_the_claim_of_another_hub_is_a_lost_claim(servers: tuple[ApiServer, StandbyApi]) -> None:
    server, api = servers
    assert await api.claim("a", claim_patch("r", LABEL, {}))
    server.refused_patch = (409, {"message": "the object has been modified"})
    assert await api.claim("a", claim_patch("r", {}, {})) is None


@pytest.mark.parametrize("refusal", REFUSALS, ids=["label", "admission policy", "quota", "conflict"])
async def test_any_other_refusal_is_told_with_the_message_of_the_api_server(
    servers: tuple[ApiServer, StandbyApi], refusal: tuple[int, dict[str, Any]]
) -> None:
    server, api = servers
    server.refused_patch = refusal
    with pytest.raises(ClaimRefusedError) as raised:
        await api.claim("a", claim_patch("r", LABEL, {}))
    assert str(raised.value) == f"R could not be started: {refusal[1]['message']}; try again, or ask an operator."
    assert server.pods["ns/a"]["metadata"]["labels"] == {POOL: "r"}


@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_an_api_server_that_fails_may_have_applied_the_claim(
    servers: tuple[ApiServer, StandbyApi], status: int
) -> None:
    server, api = servers
    server.refused_patch = (status, {"message": "etcdserver: request timed out"})
    with pytest.raises(StandbyError, match="request timed out") as raised:
        await api.claim("a", claim_patch("r", LABEL, {}))
    assert not isinstance(raised.value, ClaimRefusedError)
