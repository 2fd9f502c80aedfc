"""The REST API against its own OpenAPI document."""

import json
import subprocess
import sys
from pathlib import Path

from tests.fixtures.hub import Client, Rc2
from tests.test_separation import person_token


async def test_the_document_is_served_and_names_every_route(client: Client):
    status, document = await client.call("GET", "/services/rc2/api/openapi.json")
    assert status == 200
    assert set(document["paths"]) == {
        "/openapi.json",
        "/health",
        "/services",
        "/pools",
        "/servers/{user}/{server}/attachments",
        "/servers/{user}/{server}/attachments/{service}",
        "/state",
        "/tokens",
        "/wishes",
    }


async def test_health_says_states_and_nothing_else(client: Client):
    assert await client.call("GET", "/services/rc2/api/health") == (
        200,
        {"listening": True, "services": {"flights": "ready", "spark": "ready"}},
    )


async def test_an_unknown_address_is_one_sentence(client: Client):
    assert await client.call("GET", "/services/rc2/api/nowhere") == (404, {"message": "There is nothing at this address."})


async def test_no_request_at_all_ends_in_a_server_error(rc2: Rc2, client: Client, person: str, tmp_path: Path):
    rc2.groups(alice=["analysts"], bob=[], **{person: ["analysts"]})
    await client.create(person)
    await client.start(person)
    token = await person_token(client, person)
    document = (await client.call("GET", "/services/rc2/api/openapi.json"))[1]
    for parameter in document["paths"]["/servers/{user}/{server}/attachments"]["parameters"]:
        parameter["schema"]["enum"] = [person, "-", "nobody", "../x"]
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
        "--request-timeout=20",
        "--no-color",
    ]
    length = len(rc2.log())
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    await client.stop(person)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "Traceback" not in rc2.since(length)
