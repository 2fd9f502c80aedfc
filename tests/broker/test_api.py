"""The REST API against its own OpenAPI document."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fixtures.hub import Client, Rc2, until
from tests.test_separation import user_token


async def test_the_openapi_document_is_served_and_lists_every_route(client: Client):
    documents: list[Any] = []

    async def served() -> bool:  # the hub prints its links before its broker has started
        status, document = await client.call("GET", "/services/rc2/api/openapi.json")
        documents.append(document)
        return status == 200

    await until(served)
    assert set(documents[-1]["paths"]) == {
        "/openapi.json",
        "/health",
        "/services",
        "/pools",
        "/servers/{user}/{server}/attachments",
        "/servers/{user}/{server}/attachments/{service}",
        "/desired-state",
        "/token-reviews",
        "/change-requests",
    }


async def test_health_returns_only_states(client: Client):
    async def healthy() -> bool:  # the gateway of Spark starts beside the broker
        return await client.call("GET", "/services/rc2/api/health") == (
            200,
            {"has_desired_state": True, "services": {"flights": "ready", "spark": "ready"}},
        )

    await until(healthy)


async def test_an_unknown_address_gets_404_and_one_sentence(client: Client):
    assert await client.call("GET", "/services/rc2/api/nowhere") == (404, {"message": "This address does not exist."})


async def test_no_request_causes_a_server_error(rc2: Rc2, client: Client, username: str, tmp_path: Path):
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    await client.start(username)
    token = await user_token(client, username)
    document = (await client.call("GET", "/services/rc2/api/openapi.json"))[1]
    for parameter in document["paths"]["/servers/{user}/{server}/attachments"]["parameters"]:
        parameter["schema"]["enum"] = [username, "-", "unknown", "../x"]
    document["paths"]["/servers/{user}/{server}/attachments"]["get"]["parameters"][0]["schema"]["maximum"] = 0.1
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        str(tmp_path / "openapi.json"),
        f"--url={rc2.url}/services/rc2/api",
        f"--header=Authorization: token {token}",
        "--checks=not_a_server_error,status_code_conformance,response_schema_conformance",
        "--max-examples=30",
        "--request-timeout=60",
        "--no-color",
    ]
    length = len(rc2.log())
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    await client.stop(username)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "Traceback" not in rc2.since(length)
