"""The HDFS of the tests is a real one, of the version of Spark's own client."""

import re
from pathlib import Path

from rc2hub.local.hdfs import SERVERS, SPARK
from tests.fixtures.hdfs import Hdfs


def test_the_servers_have_the_version_of_sparks_client():
    (client,) = SPARK.glob("lib/python3*/site-packages/pyspark/jars/hadoop-client-api-*.jar")
    assert re.findall(r"[\d.]+\d", Path(SERVERS).resolve().name) == re.findall(r"[\d.]+\d", client.name)


async def test_a_folder_that_is_made_belongs_to_the_account_of_the_call(hdfs: Hdfs):
    await hdfs.call("PUT", "/fixture", "MKDIRS", permission="750")
    status = (await hdfs.call("GET", "/fixture", "GETFILESTATUS"))["FileStatus"]
    assert (status["owner"], status["permission"], status["type"]) == ("hdfs", "750", "DIRECTORY")
