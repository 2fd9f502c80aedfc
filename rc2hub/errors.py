"""Everything that can go wrong in a way a person should read. Each error is one sentence that says what to do.

Adapters raise these `from` the library's own exception; only `spawners/`, `authenticators/pages.py` and the broker's HTTP
layer turn them into status codes. A message never holds a password, a token or a traceback.
"""


class Rc2Error(Exception):
    """Base of all errors of Rc²; `str()` of it is the sentence to show."""


class ConfigurationError(Rc2Error):
    """The operator's configuration is wrong; the hub stops at start with this sentence."""


class RequestError(Rc2Error):
    """A request is malformed or names something that does not exist (HTTP 400)."""


class NotGrantedError(Rc2Error):
    """The person lacks the grant for a service (HTTP 403)."""


class ServiceUnavailableError(Rc2Error):
    """A shared service, or the broker in front of it, does not answer (HTTP 503)."""


class StandbyError(Rc2Error):
    """A standby could not be started, or was lost while it became somebody's compute server (HTTP 500)."""


class LostStandbyError(StandbyError):
    """A standby was lost for a reason of its own; the next one may do (HTTP 500)."""


class ProviderError(Rc2Error):
    """The OpenID provider does not answer, or not as it should (HTTP 503)."""


class LoginRefusedError(Rc2Error):
    """The provider, or this hub, does not let the person in (HTTP 403)."""
