"""The S3 store of the tests goes with its folder."""

import tempfile
from pathlib import Path

from tests.fixtures.s3 import Store


def test_the_store_leaves_nothing_in_the_machines_folder_for_temporary_files(store: Store):
    assert list(Path(tempfile.gettempdir()).glob(f"weed.*.{store.process.pid}")) == []
