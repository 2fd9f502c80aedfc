"""The kind `hdfs`: what its gateway is told."""

from rc2hub.services.hdfs import HdfsService

STORE = {"kind": "hdfs", "gateway": "http://127.0.0.1:14000", "namenode": "https://namenode.example.org:9871"}


def test_the_gateway_is_told_where_the_files_for_kerberos_are():
    files = {"keytab": "/etc/rc2/rc2.keytab", "ca": "/etc/rc2/ca.crt"}
    HdfsService.validate("the entry", STORE | files)
    _, variables = HdfsService.gateway_command("store", STORE | files, None)
    told = {"service": "store", "address": "127.0.0.1:14000", "namenode": STORE["namenode"]}
    assert variables == {"RC2_HDFS_GATEWAY": told | files}


def test_without_kerberos_the_gateway_is_told_of_no_files():
    _, variables = HdfsService.gateway_command("store", STORE, None)
    assert set(variables["RC2_HDFS_GATEWAY"]) == {"service", "address", "namenode"}
