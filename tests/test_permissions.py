from rc2hub.permissions import Grant, custom_scopes, granted_levels, grants_in


def test_only_scopes_of_rc2_are_grants():
    scopes = ["custom:rc2:flights:read", "custom:other:flights:write", "access:servers!user=alice", "custom:rc2:"]
    assert Grant("flights", "read") in grants_in(scopes)
    assert Grant("flights", "write") not in grants_in(scopes)


def test_nothing_is_granted_by_default():
    assert grants_in([]) == frozenset()
    assert granted_levels(frozenset(), "flights", ("read", "write")) == ()


def test_a_grant_of_write_includes_read():
    scopes = custom_scopes({"flights": ("read", "write")})
    assert scopes["custom:rc2:flights:write"]["subscopes"] == ["custom:rc2:flights:read"]
    assert scopes["custom:rc2:flights:read"]["subscopes"] == []


def test_a_grant_of_one_service_does_not_allow_another():
    grants = frozenset({Grant("flights", "read")})
    assert granted_levels(grants, "orders", ("read", "write")) == ()


def test_a_grant_and_its_scope_convert_to_each_other():
    grant = Grant("my-lake", "use")
    assert grants_in([grant.scope]) == {grant}
