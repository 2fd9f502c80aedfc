import subprocess
import sys

import pytest

from scripts.reference import CLASSES
from tests.fixtures.hub import ROOT


def test_the_reference_is_up_to_date():
    result = subprocess.run([sys.executable, "scripts/reference.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ROOT / "config/REFERENCE.md").read_text() == result.stdout


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_trait_has_a_help_text(kind):
    for name, trait in kind.class_own_traits(config=True).items():
        assert len(trait.help) > 40, name
