"""Keeps out the words and names that were replaced: one name has one meaning in the whole tree."""

import re
import subprocess
from fnmatch import fnmatch
from functools import cache

import pytest

from tests.fixtures.hub import ROOT

PROSE = {
    r"she|her|hers|herself|himself": "the user, the user's, you",
    r"person|persons|people|people's|person's": "user, users",
    r"nobody|nobodys|nobody's": "no user, unclaimed",
    r"somebody|somebody's|whoever": "a user, the user who",
    r"guest|guests": "attached server",
    r"wish|wishes|wished": "change request",
    r"tally|tallies": "pool stats",
    r"keeper|keepers": "deployment reconciler",
    r"misfit|misfits": "template_diff",
    r"born|birth|births": "created from the template, initial",
    r"doubt|doubts|doubted": "check_reachable",
    r"rehears\w*": "warm up",
    r"stirs?": "is readable",
    r"let go|lets go": "close, release",
    r"say so|says so": "report it",
    r"plainly": "(leave it out)",
    r"as it were": "(leave it out)",
    r"one's own": "its own, separate",
}
"""Words of prose and names, in any case, to what the tree says now."""
NAMES = {
    r"Wish|Wishes|fulfil\w*": "ChangeRequest, submit",
    r"Guests?": "AttachedServers, AttachedServer",
    r"Tally|Keeper|Rest|PodKind|LocalPool|LocalStandby": "PoolStats, DeploymentReconciler, RefillThrottle, PodProfilePool, …",
    r"Nobody|nobodys": "PodTemplate, template_pod",
    r"Conversation|OfferedServices?": "OIDCClient, SpawnChoices, ServiceChoice",
    r"Rc2LocalSpawner|Rc2LocalAuthenticator|rc2-local": "Rc2ProcessSpawner (rc2-process), Rc2LoginLinkAuthenticator (rc2-login-link)",
    r"RC2_AWAITED|rc2-rehearsal|rehearse": "RC2_SKIP_WARM_UP, rc2-warm-up, warm_up_server",
    r"RC2_ATTACHMENTS|RC2_SECRET": "RC2_ATTACHMENTS_DIR, RC2_SECRET_FILE",
    r"rc2-rest|is_resting": "rc2hub.org/refill, is_gated",
    r"people\.toml|people_file": "users.toml, users_file",
    r"no_room|before_prompt|push_patiently": "on_resize_failure, blocks_start, push_with_retry",
    r"rc2_spare_wanted|rc2_standbys|rc2_claims_total|rc2_claim_seconds|rc2_start_seconds|rc2_refill_seconds": (
        "rc2_pool_desired_standbys, rc2_pool_standbys, rc2_pool_claims_total, rc2_pool_claim_duration_seconds, …"
    ),
    r"api/wishes|api/state|api/tokens": "api/change-requests, api/desired-state, api/token-reviews",
    r"why_not|in_words|let_go": "message, to_dict, close_channel",
    r"become\.R|become\.c|become_account": "identity.R, set_account.c",
    r"rc2hub[./](cluster|pool|spawners|authenticators|lifecycle|metrics)": "rc2hub.kubernetes, rc2hub.hub.pool, …",
    r"warm\.md|[dD]esign D\d+": "a file or a decision that is in the repository, such as DESIGN.md, D3",
}
"""Old names, as they were written, to the new ones."""
ELSEWHERE = ("CHANGELOG.md", "LICENSE", "*-lock.json", "*go.mod", "*go.sum", "*/PACKAGES.md", "*.csv", "tests/test_words.py")
"""Files that others write, or that tell of the past."""
ALLOWED = {
    "*DESCRIPTION": (r"person\(", "R's function for an author"),
    "*local/*database.py": (r'"nobody"', "the Unix account that PostgreSQL runs as"),
    "*coverage.R": (r"covr::tally_coverage", "a function of covr"),
}
"""File to what may stand in its lines, and why."""


@cache
def lines() -> tuple[tuple[str, int, str], ...]:
    """Each line of the tree: file, number, text."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if not file.is_file() or any(fnmatch(name, pattern) for pattern in ELSEWHERE):
            continue
        content = file.read_bytes()
        if b"\0" not in content:
            found += [(name, number, line) for number, line in enumerate(content.decode().splitlines(), 1)]
    return tuple(found)


def is_allowed(name: str, line: str) -> bool:
    return any(fnmatch(name, pattern) and re.search(text, line) for pattern, (text, _) in ALLOWED.items())


def places(pattern: "re.Pattern[str]") -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, number, line in lines()
        if pattern.search(line) and not is_allowed(name, line)
    ]


@pytest.mark.parametrize("word", PROSE)
def test_a_word_that_was_replaced_is_nowhere(word: str):
    found = places(re.compile(rf"(?<![A-Za-z0-9])({word})(?![A-Za-z0-9])", re.IGNORECASE))
    assert not found, f"write instead: {PROSE[word]}\n" + "\n".join(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_replaced_is_nowhere(name: str):
    found = places(re.compile(rf"(?<![\w-])({name})(?![\w-])"))
    assert not found, f"write instead: {NAMES[name]}\n" + "\n".join(found)
