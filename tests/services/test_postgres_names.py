"""Names of roles are readable, unique and within PostgreSQL's limit, whatever the names of users and services are."""

import pytest

from rc2hub.server_id import ServerId
from rc2hub.services.postgres_names import RoleNames

ALICE = ServerId("alice")


@pytest.mark.parametrize("user", ["alice", "x" * 300, "Ünï cødé", "-", "😀"])
@pytest.mark.parametrize("service", ["flights", "s" * 30, "s" * 80, "a-b"])
@pytest.mark.parametrize("installation", ["department", "n" * 63 + "/" + "r" * 53, "rc2/rc2"])
def test_a_name_has_63_bytes_at_most(installation: str, service: str, user: str):
    names = RoleNames(installation, service)
    for name in (names.group("read"), names.group("write"), names.login(ServerId(user, "second"))):
        assert len(name.encode()) <= 63
        assert name.isascii()


def test_a_name_shows_installation_service_level_and_user():
    names = RoleNames("department", "flights")
    assert names.group("read") == "rc2_department_flights_read"
    assert names.login(ALICE).startswith("rc2_department_flights_as_alice_")


def test_readers_and_writers_of_a_service_with_a_long_name_have_separate_roles():
    assert RoleNames("department", "s" * 80).group("read") != RoleNames("department", "s" * 80).group("write")


def test_services_and_installations_with_similar_names_share_no_role():
    pairs = [(one, other) for one in ("a/b", "a-b", "a", "ab") for other in ("s" * 79, "s" * 80, "s-s", "ss")]
    assert len({RoleNames(*pair).group("read") for pair in pairs}) == len(pairs)
    assert len({RoleNames(*pair).login(ALICE) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize(
    "label",
    ["", "a database of the DBA", '{"rc2": "flights"}', '{"rc2": "flights", "user": 1}', "[1]", '"rc2"', "null"],
    ids=lambda label: label or "empty",
)
def test_a_comment_that_is_no_label_has_no_owner(label: str):
    assert RoleNames("department", "flights").owner(label) is None


def test_a_label_is_read_by_its_own_installation_and_service_only():
    label = RoleNames("department", "flights").login_label(ServerId("Ünï", "second"), "read")
    assert label.isascii()
    assert RoleNames("department", "flights").owner(label) == (ServerId("Ünï", "second"), "read")
    assert RoleNames("staging", "flights").owner(label) is None
    assert RoleNames("department", "trains").owner(label) is None
