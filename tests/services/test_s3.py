"""An entry of the kind `s3`: what it accepts, and what its gateway is started with."""

from typing import Any

import pytest

from rc2hub.errors import ConfigurationError
from rc2hub.services.s3 import S3Service

ENTRY: dict[str, Any] = {
    "gateway": "http://127.0.0.1:14020",
    "endpoint": "https://s3.example.org",
    "bucket": "lab",
    "credentials": "/etc/rc2/s3",
}


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        ("gateway", "127.0.0.1:14020", "an address like http://"),
        ("endpoint", "https://s3.example.org/path", "without a path"),
        ("endpoint", "https://key:secret@s3.example.org", "without a path"),
        ("bucket", "Lab", "the name of a bucket"),
        ("bucket", "lab/x", "the name of a bucket"),
        ("credentials", "s3", "from the root"),
        ("region", "", "the name of a region"),
        ("prefix", "rc2", "with a slash at its end"),
        ("prefix", "../", "with a slash at its end"),
        ("prefix", "/rc2/", "with a slash at its end"),
        ("groups", "staff", "a list of groups"),
        ("groups", ["staff/../board"], "a list of groups"),
        ("admin", "secret", "must be"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_what_is_accepted(field: str, value: Any, accepted: str):
    S3Service.validate("store", ENTRY)
    with pytest.raises(ConfigurationError, match=accepted):
        S3Service.validate("store", ENTRY | {field: value})


def test_the_hub_starts_the_gateway_unless_an_operator_does():
    command, settings = S3Service.gateway_command("store", ENTRY | {"groups": ["staff"]}, None) or ([], {})
    assert command[1:] == ["-m", "rc2hub.gateways.s3_gateway"]
    assert settings["RC2_S3_GATEWAY"] == {
        "service": "store",
        "address": "127.0.0.1:14020",
        "endpoint": "https://s3.example.org",
        "bucket": "lab",
        "credentials": "/etc/rc2/s3",
        "region": "us-east-1",
        "prefix": "",
        "groups": ["staff"],
    }
    assert S3Service.gateway_command("store", ENTRY | {"admin": {"env": "X"}}, None) is None
