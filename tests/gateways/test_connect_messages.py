"""The gateway sets the user in every message, whatever user it names, and changes nothing else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rc2hub.gateways.connect_messages import release_session, set_user
from rc2hub.gateways.spark_gateway import METHODS
from tests.fixtures.spark import stock_client

MESSAGES = Path(__file__).with_name("all_messages.py")


def test_every_message_of_spark_gets_the_user_and_is_otherwise_unchanged():
    output = stock_client(MESSAGES)
    assert set(output) == METHODS
    assert set(output.values()) == {"ok"}


def test_a_message_without_a_session_has_an_empty_session_id():
    assert set_user(b"", "alice")[1] == ""


def test_a_request_to_close_a_session_names_the_user():
    assert set_user(release_session("s-1", "alice"), "bob") == (release_session("s-1", "bob"), "s-1")


@pytest.mark.parametrize(
    "message", [b"\x0a", b"\x0a\x05abc", b"\xff" * 11, b"\x09\x00", b"\x0d\x00", b"\x0b", b"\x0a\x01\xff"], ids=repr
)
def test_bytes_that_are_not_a_message_are_a_value_error(message: bytes):
    with pytest.raises(ValueError, match="message|codec"):
        set_user(message, "alice")


@settings(deadline=None)
@given(st.binary())
def test_random_bytes_get_the_user_or_are_a_value_error(message: bytes):
    try:
        forced, _ = set_user(message, "alice")
    except ValueError:
        return
    assert set_user(forced, "alice")[0] == forced
