"""The file of users: names as JupyterHub has them, and a mistake is named and changes nothing."""

from pathlib import Path

import pytest

from rc2hub.errors import ConfigurationError
from rc2hub.hub.authenticators.login_link import Rc2LoginLinkAuthenticator, make_link, read_users


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.toml"


@pytest.fixture
def authenticator(file: Path, tmp_path: Path) -> Rc2LoginLinkAuthenticator:
    return Rc2LoginLinkAuthenticator(users_file=str(file), links_dir=str(tmp_path / "links"))


class User:
    name = "alice"


async def test_a_user_with_a_capital_letter_in_the_file_logs_in_and_stays(authenticator, file: Path, tmp_path: Path):
    file.write_text('[Alice]\ngroups = ["analysts"]\n')
    logged_in = await authenticator.authenticate(None, {"token": make_link(tmp_path / "links", "Alice")})
    assert logged_in == {"name": "alice", "groups": ["analysts"]}
    assert await authenticator.refresh_user(User()) == {"name": "alice", "groups": ["analysts"]}


async def test_a_user_whom_the_operator_maps_to_another_name_stays(authenticator, file: Path):
    authenticator.username_map = {"a.lovelace": "alice"}
    file.write_text('["A.Lovelace"]\n')
    assert await authenticator.refresh_user(User()) == {"name": "alice", "groups": []}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[bob]\n\n[alice.smith]\n", ', line 3: a name with a dot needs quotes: ["alice.smith"].'),
        ('[bob]\nalice.groups = ["a"]\n', ', line 2: a name with a dot needs quotes: ["bob.alice"].'),
        ('alice.smith.groups = [\n"a"]\n', ', line 2: a name with a dot needs quotes: ["alice.smith"].'),
        ("[alice]\ngroup = []\n", ", [alice]: unknown field 'group'; accepted are groups."),
        ('[alice]\ngroups = "a"\n', ", [alice]: 'groups' must be a list of names such as [\"analysts\"], not 'a'."),
        ("[alice]\ngroups = [3]\n", ", [alice]: 'groups' must be a list of names"),
        ("alice = 3\n", ", [alice] must be a dictionary with the fields groups."),
        ("[alice]\n[Alice]\n", ", [Alice]: another table is for the user alice too; keep one of them."),
        ("[alice\n", "(at line 1, column 7)."),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(file: Path, text: str, sentence: str):
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        read_users(file)
    assert str(refused.value).startswith(str(file))
    assert sentence in str(refused.value)


def test_a_missing_file_is_named(file: Path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file or directory"):
        read_users(file)


async def test_while_the_file_has_a_mistake_users_stay_as_they_were_and_the_log_names_it_once(
    authenticator, file: Path, caplog
):
    file.write_text('[alice]\ngroups = ["analysts"]\n')
    await authenticator.refresh_user(User())
    file.write_text("[alice\n")
    for _ in range(2):
        assert await authenticator.refresh_user(User()) == {"name": "alice", "groups": ["analysts"]}
    (record,) = [record for record in caplog.records if "stay as they were" in record.message]
    assert str(file) in record.message
    file.write_text("")
    assert await authenticator.refresh_user(User()) is False
