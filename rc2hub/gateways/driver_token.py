"""The token of a Spark driver, which tells other gateways for whom it works, and the secret of a driver's pod.

The key is the secret that the Spark gateway shares with the broker. A gateway that is restarted computes both again for the
drivers that run; a broker that knows the key recognizes a token without keeping any.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode


def driver_token(key: str, user: str, driver: str) -> str:
    """The token of a user's driver; `driver` is its unique name, without a dot."""
    # without padding: clients of Spark take no = in a token of an address
    named = f"{urlsafe_b64encode(user.encode()).decode().rstrip('=')}.{driver}"
    return f"{named}.{_signature(key, named)}"


def pod_secret(key: str, pod: str) -> str:
    """What the Spark gateway and a driver's pod both know; it says nothing of a user, and is part of no token."""
    pods_key = hmac.digest(key.encode(), b"pods", "sha256")
    return hmac.digest(pods_key, pod.encode(), "sha256").hex()


def user_of(key: str, token: str) -> str | None:
    """The user for whom the driver with this token works; None if it was not made with this key."""
    named, _, signature = token.rpartition(".")
    if not named or not hmac.compare_digest(signature.encode(), _signature(key, named).encode()):
        return None
    return urlsafe_b64decode(f"{named.partition('.')[0]}==").decode()


def _signature(key: str, named: str) -> str:
    return hmac.digest(key.encode(), named.encode(), "sha256").hex()
