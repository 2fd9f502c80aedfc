"""The OpenAPI document of the broker's REST API, made from the messages' models."""

from functools import cache
from typing import Any, NamedTuple

from pydantic.json_schema import models_json_schema

from rc2hub import messages
from rc2hub.messages import Message

MAX_WAIT = 30.0
"""Longest `wait` of a long poll, in seconds."""
MAX_REVISION = 2**53
"""Every whole number up to this one is a number in JSON."""
ERRORS = {
    400: "The request is malformed.",
    403: "The token is missing, unknown or another user's, or the grant is missing.",
    404: "The server is not running, or the service does not exist.",
    409: "A later request for the same service and server replaced this one.",
    503: "The service or the hub does not answer.",
}
"""Status to description; the answer is always an `ErrorMessage`."""
HUB_ONLY = "only with the secret shared by the hub and the broker."
WAIT = {
    "name": "wait",
    "in": "query",
    "description": "How many seconds to wait at most.",
    "schema": {"type": "number", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
}
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
PATH_PARAMETERS = {
    "user": "The user name of the server's owner.",
    "server": "The server's name; `-` for the default server.",
    "service": "The name of a service in the catalogue.",
}


class ApiOperation(NamedTuple):
    """One operation of the API."""

    path: str
    method: str
    operation_id: str
    summary: str
    responses: dict[int, tuple[str, type[Message] | None]]
    """The successful ones."""
    errors: tuple[int, ...] = ()
    body: type[Message] | None = None
    parameters: tuple[dict[str, Any], ...] = ()
    description: str = ""
    public: bool = False


SERVER = "/servers/{user}/{server}/attachments"
OPERATIONS = (
    ApiOperation("/openapi.json", "get", "getOpenApi", "Get this document.", {200: ("The document.", None)}, public=True),
    ApiOperation(
        "/health",
        "get",
        "getHealth",
        "Get the health of the broker, and with a token that of the services.",
        {200: ("The states.", messages.Health)},
        public=True,
    ),
    ApiOperation(
        "/services",
        "get",
        "listServices",
        "List the catalogue with the caller's grants and attachments.",
        {200: ("All services.", messages.Catalogue), 304: ("Nothing changed within `wait` seconds.", None)},
        (400, 403, 503),
        parameters=(
            WAIT,
            {
                "name": "server",
                "in": "query",
                "description": "The name of one of the caller's servers; by default the default server."
                " Ignored with a server's own token, which stands for that server.",
                "schema": {"type": "string"},
            },
            IF_NONE_MATCH,
        ),
        description="With `If-None-Match`, the request waits at most `wait` seconds until the ETag changes.",
    ),
    ApiOperation(
        SERVER,
        "get",
        "listAttachments",
        "List the services that a server requests, and their states.",
        {
            200: ("The requested services and their states.", messages.AttachmentList),
            304: ("Nothing changed within `wait` seconds.", None),
        },
        (400, 403, 404, 503),
        parameters=(
            WAIT,
            {
                "name": "revision",
                "in": "query",
                "description": "What failed before the desired state had this revision is tried again.",
                "schema": {"type": "integer", "minimum": 0, "maximum": MAX_REVISION, "default": 0},
            },
            IF_NONE_MATCH,
        ),
        description="With `If-None-Match`, the request waits until the ETag changes; without it, until no service blocks"
        " the start of the server. It waits at most `wait` seconds.",
    ),
    ApiOperation(
        SERVER + "/{service}",
        "put",
        "attachService",
        "Attach a service to a running server.",
        {200: ("The service is attached, or is being attached if its state is `starting`.", messages.AttachmentState)},
        (400, 403, 404, 409, 503),
        body=messages.AttachOptions,
    ),
    ApiOperation(
        SERVER + "/{service}",
        "delete",
        "detachService",
        "Detach a service from a running server; R continues to run.",
        {202: ("The hub took the request, and has not confirmed it yet.", None), 204: ("The service is detached.", None)},
        (403, 404, 409, 503),
    ),
    ApiOperation(
        "/pools",
        "get",
        "listPools",
        "List the standbys of each profile, at most 15 seconds old; only for admins of the hub, not for their servers.",
        {200: ("The profiles that have a pool.", messages.PoolList)},
        (403, 503),
    ),
    ApiOperation(
        "/desired-state",
        "put",
        "putDesiredState",
        f"Replace the desired state, or the part of it that changed; {HUB_ONLY}",
        {
            204: ("The desired state is replaced.", None),
            409: ("The message does not follow the broker's desired state.", messages.RevisionConflict),
        },
        (400, 403),
        body=messages.DesiredStateUpdate,
    ),
    ApiOperation(
        "/change-requests",
        "get",
        "takeChangeRequests",
        f"Take the users' pending requests to attach or detach; {HUB_ONLY}",
        {200: ("The pending requests; each is returned once.", messages.PendingRequests)},
        (400, 403),
        parameters=(WAIT,),
    ),
    ApiOperation(
        "/token-reviews",
        "post",
        "reviewToken",
        "Review a token that a gateway received; only with the secret shared by the gateway and the broker.",
        {200: ("The compute server that the token was issued to; it may use the service now.", messages.TokenReview)},
        (400, 403, 503),
        body=messages.TokenReviewRequest,
    ),
)


@cache
def document() -> dict[str, Any]:
    """The document, version 3.1 of OpenAPI."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(operation.path, _path_parameters(operation.path))
        path[operation.method] = _described(operation)
    description = (
        "The shared services that a user may use, and the attachments of the user's compute servers. A JupyterHub token"
        " identifies the caller; the hub's roles decide what the caller may do."
    )
    token = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`token TOKEN`, with a JupyterHub API token.",
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Rc² broker", "version": "1", "description": description},
        "servers": [{"url": "/services/rc2/api"}],
        "security": [{"hubToken": []}],
        "paths": paths,
        "components": {"securitySchemes": {"hubToken": token}, "schemas": _schemas()},
    }


def _described(operation: ApiOperation) -> dict[str, Any]:
    errors = {status: (ERRORS[status], messages.ErrorMessage) for status in operation.errors}
    responses = {**operation.responses, **errors}
    described: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "responses": {
            str(status): {"description": text, **_content(model)} for status, (text, model) in sorted(responses.items())
        },
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = [dict(parameter) for parameter in operation.parameters]
    if operation.body:
        described["requestBody"] = {"required": operation.body is not messages.AttachOptions, **_content(operation.body)}
    if operation.public:
        described["security"] = []
    return described


def _content(model: type[Message] | None) -> dict[str, Any]:
    if model is None:
        return {}
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}}


def _path_parameters(path: str) -> dict[str, Any]:
    named = [name for name in PATH_PARAMETERS if f"{{{name}}}" in path]
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in named
    ]
    return {"parameters": parameters} if parameters else {}


def _schemas() -> dict[str, Any]:
    models = {
        model for operation in OPERATIONS for _, model in (*operation.responses.values(), ("", operation.body)) if model
    }
    ordered = sorted(models | {messages.ErrorMessage}, key=lambda model: model.__name__)
    _, schema = models_json_schema(
        [(model, "serialization") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = schema["$defs"]
    return schemas
