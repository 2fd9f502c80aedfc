"""The form of a request: plain HTML inside JupyterHub's own page, without scripts; a refused service shows the reason."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from rc2hub.errors import RequestError
from rc2hub.permissions import Grants, granted_levels
from rc2hub.spawn_request import SpawnChoices, SpawnRequest, refusal_reason


def render_form(choices: SpawnChoices, grants: Grants, health: Mapping[str, str], last: Mapping[str, Any]) -> str:
    """HTML of the form's fields.

    Args:
        choices: what can be requested.
        grants: what the user may use.
        health: service name to `ready` or `failed`; the state of a missing service is unknown.
        last: the options of the user's last request; a choice that is no longer possible is left out.
    """
    chosen = _last_request(choices, last)
    services = [
        {
            "service": service,
            "granted": granted_levels(grants, service.name, service.levels),
            "chosen": chosen.services.get(service.name),
            "failed": health.get(service.name) == "failed",
            "refusal_reason": refusal_reason(service, service.levels[-1], grants),
        }
        for service in choices.services.values()
    ]
    template = Environment(autoescape=True).from_string(
        files("rc2hub.hub.spawners").joinpath("templates/form.html").read_text(encoding="utf-8")
    )
    return template.render(profiles=choices.profiles.values(), chosen_profile=chosen.profile, services=services)


def _last_request(choices: SpawnChoices, last: Mapping[str, Any]) -> SpawnRequest:
    try:
        return SpawnRequest.parse(last, choices)
    except RequestError:
        return SpawnRequest.parse({}, choices)
