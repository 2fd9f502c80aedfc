"""The secret of a driver names its user, and is made with the key alone."""

import pytest

from rc2hub.gateways.driver_token import driver_token, user_of

USERS = ["alice", "ada@example.org", "Łukasz", "a.b", "名前"]


@pytest.mark.parametrize("user", USERS)
def test_a_token_names_its_user(user: str):
    assert user_of("key", driver_token("key", user, "spark-1")) == user


def test_two_drivers_of_a_user_have_different_tokens():
    assert driver_token("key", "alice", "spark-1") != driver_token("key", "alice", "spark-2")


def test_a_token_is_a_line_that_a_header_can_carry():
    token = driver_token("key", "名前", "spark-1")
    assert token.isascii()
    assert not set(token) & set(' ,;="\r\n')


@pytest.mark.parametrize("token", ["", ".", "..", "alice", "alice.spark-1.", "YWxpY2U=.spark-1.é", "0" * 64, ".0"])
def test_what_is_no_token_names_no_user(token: str):
    assert user_of("key", token) is None


def test_a_token_that_is_changed_or_made_with_another_key_names_no_user():
    token = driver_token("key", "alice", "spark-1")
    other = driver_token("key", "bob", "spark-1")
    assert user_of("another key", token) is None
    assert user_of("key", f"{other.rpartition('.')[0]}.{token.rpartition('.')[2]}") is None
