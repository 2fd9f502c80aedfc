"""The files of attachments in a compute server's folder."""

import json
from pathlib import Path

import pytest

from rc2hub.compute.attachments import write_files


def test_a_file_and_a_setting_can_name_another_file_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_ATTACHMENTS_DIR", str(tmp_path))
    path = "${RC2_ATTACHMENTS_DIR}/db.ca.pem"
    files = {"pg_service.conf": f"[db]\nsslrootcert={path}\n", "db.ca.pem": "a certificate"}
    write_files([{"service": "db", "settings": {"host": "db.example.org", "sslrootcert": path}, "files": files}])
    assert (tmp_path / "pg_service.conf").read_text() == f"[db]\nsslrootcert={tmp_path}/db.ca.pem\n"
    (attachment,) = json.loads((tmp_path / "attachments.json").read_text())["attachments"]
    assert attachment["settings"] == {"host": "db.example.org", "sslrootcert": f"{tmp_path}/db.ca.pem"}
    assert Path(attachment["settings"]["sslrootcert"]).read_text() == "a certificate"
