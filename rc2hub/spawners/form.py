"""The form of a request: plain HTML inside JupyterHub's own page, without scripts; what is refused says why."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from rc2hub.errors import RequestError
from rc2hub.permissions import Grants, granted_levels
from rc2hub.request import Offer, SpawnRequest, why_not


def render_form(offer: Offer, grants: Grants, health: Mapping[str, str], last: Mapping[str, Any]) -> str:
    """HTML of the form's fields.

    Args:
        offer: what can be asked for.
        grants: what the person may use.
        health: name of a service to `ready` or `failed`; a service that is missing is in an unknown state.
        last: the options of her last request; a choice that is no longer on offer or granted is left out.
    """
    chosen = _last_choice(offer, last)
    services = [
        {
            "service": service,
            "level": level,
            "granted": level in granted_levels(grants, service.name, service.levels),
            "chosen": chosen.services.get(service.name) == level,
            "failed": health.get(service.name) == "failed",
            "why_not": why_not(service, level, grants),
        }
        for service in offer.services.values()
        for level in service.levels
    ]
    template = Environment(autoescape=True).from_string(
        files("rc2hub.spawners").joinpath("templates/form.html").read_text(encoding="utf-8")
    )
    return template.render(profiles=offer.profiles.values(), chosen_profile=chosen.profile, services=services)


def _last_choice(offer: Offer, last: Mapping[str, Any]) -> SpawnRequest:
    try:
        return SpawnRequest.parse(last, offer)
    except RequestError:
        return SpawnRequest.parse({}, offer)
