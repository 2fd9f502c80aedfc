import re
import subprocess
import sys
from pathlib import Path

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


def test_the_reference_of_the_r_package_has_every_exported_name_and_no_dead_link(tmp_path: Path):
    package = ROOT / "images/r-compute/rc2"
    subprocess.run(["Rscript", ROOT / "scripts/r_reference.R", package, tmp_path / "r"], check=True, capture_output=True)
    pages = {page.name: page.read_text() for page in (tmp_path / "r").glob("*.html")}
    exports = re.findall(r"^export\((.*)\)$", (package / "NAMESPACE").read_text(), re.MULTILINE)
    text = " ".join(pages.values())
    assert [name for line in exports for name in line.split(", ") if not re.search(rf"\b{name}\b", text)] == []
    links = {link for page in pages.values() for link in re.findall(r'href="([^"#:]+\.html)', page)}
    assert links == set(pages)
