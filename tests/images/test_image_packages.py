"""The list of an image's packages as a software bill of materials."""

import json
from pathlib import Path

from scripts.image_packages import bill_of_materials

FILES = {
    "var/lib/dpkg/status": "Package: libx\nStatus: install ok installed\nArchitecture: all\nVersion: 1:2.0+b1\n\n",
    "opt/rc2/lib/python3.13/site-packages/tornado-6.6.dist-info/METADATA": "Name: Tornado\nVersion: 6.6\n",
    "opt/spark/lib/python3.13/site-packages/tornado-6.6.dist-info/METADATA": "Name: tornado\nVersion: 6.6\n",
    "usr/lib/R/library/DBI/DESCRIPTION": "Package: DBI\nVersion: 1.2.3\n",
    "opt/proxy/node_modules/@scope/x/package.json": json.dumps({"name": "@scope/x", "version": "3.0.0"}),
}


def test_a_bill_of_materials_has_every_package_of_each_kind_once(tmp_path: Path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    document = bill_of_materials("hub", tmp_path)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [component["purl"] for component in document["components"]] == [
        "pkg:cran/DBI@1.2.3",
        "pkg:deb/debian/libx@1%3A2.0%2Bb1",
        "pkg:npm/%40scope/x@3.0.0",
        "pkg:pypi/tornado@6.6",
    ]
