"""All errors that users and operators read. Each message is one sentence that says what to do.

Modules raise these errors `from` the library's exception. Only `hub/spawners/`, `hub/authenticators/oidc_handlers.py` and
`broker/` turn them into HTTP status codes. A message never holds a password, a token or a traceback.
"""


class Rc2Error(Exception):
    """Base of all errors of Rc²; `str()` of it is the sentence to show."""


class ConfigurationError(Rc2Error):
    """The operator's configuration is wrong; the hub does not start, and shows this sentence."""


class RequestError(Rc2Error):
    """A request is malformed, or names something that does not exist (HTTP 400)."""


class NotGrantedError(Rc2Error):
    """The user lacks the grant for a service (HTTP 403)."""


class ConflictError(Rc2Error):
    """A message is older than what the receiver knows, or a later request replaced this one (HTTP 409)."""


class ServiceUnavailableError(Rc2Error):
    """A shared service or the broker does not answer (HTTP 503)."""


class StandbyError(Rc2Error):
    """A standby did not start, or failed during its activation as the user's compute server (HTTP 500)."""


class ClaimRefusedError(StandbyError):
    """The API server refused the claim of a standby, which stays unclaimed (HTTP 500)."""


class LostStandbyError(StandbyError):
    """This standby failed for a reason that another standby need not have, so a start tries the next one (HTTP 500)."""


class ProviderError(Rc2Error):
    """The OpenID provider does not answer, or its answer is invalid (HTTP 503)."""


class LoginRefusedError(Rc2Error):
    """The provider or this hub refuses the user's login (HTTP 403)."""
