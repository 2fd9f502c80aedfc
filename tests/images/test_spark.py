"""The programs of the image spark that stand for those of one machine."""

import re

from rc2hub.local import hive
from tests.fixtures.hub import ROOT

PROGRAM = (ROOT / "images" / "spark" / "hive-metastore").read_text()


def test_the_metastore_has_the_class_path_and_the_schema_of_make_up():
    libraries = " ".join(re.findall(r"^libraries\+?=\((.*)\)$", PROGRAM, re.MULTILINE))
    assert libraries.split() == list(hive.LIBRARIES)
    assert f"/opt/hive/{hive.SCHEMA}" in PROGRAM
