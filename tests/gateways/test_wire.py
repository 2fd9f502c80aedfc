"""The person is put into every message, whatever it held before, and nothing else of it changes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rc2hub.gateways.spark import METHODS
from rc2hub.gateways.wire import force_user, release_session
from tests.fixtures.spark import stock_client

MESSAGES = Path(__file__).with_name("all_messages.py")


def test_every_message_of_spark_becomes_the_persons_and_is_otherwise_the_same():
    said = stock_client(MESSAGES)
    assert set(said) == METHODS
    assert set(said.values()) == {"as it should be"}


def test_a_message_without_a_session_has_an_empty_one():
    assert force_user(b"", "alice")[1] == ""


def test_a_request_to_close_a_session_is_one_of_the_person():
    assert force_user(release_session("s-1", "alice"), "bob") == (release_session("s-1", "bob"), "s-1")


@pytest.mark.parametrize(
    "message", [b"\x0a", b"\x0a\x05abc", b"\xff" * 11, b"\x09\x00", b"\x0d\x00", b"\x0b", b"\x0a\x01\xff"], ids=repr
)
def test_what_is_no_message_is_a_value_error(message: bytes):
    with pytest.raises(ValueError, match="message|codec"):
        force_user(message, "alice")


@given(st.binary())
def test_any_bytes_at_all_are_a_message_of_the_person_or_a_value_error(message: bytes):
    try:
        forced, _ = force_user(message, "alice")
    except ValueError:
        return
    assert force_user(forced, "alice")[0] == forced
