"""Invalid values are rejected before helm creates anything; the message names the key and what it accepts."""

import pytest
import yaml

from tests.cluster.helm.chart import CHART, VALUES, RefusedError, render

LISTS = {"fullnameOverride", "profiles", "roles"}

TWO_DEFAULTS = '--set-json=profiles=[{"name": "r"}, {"name": "large", "default": true}]'
DUPLICATE_NAME = '--set-json=profiles=[{"name": "r"}, {"name": "r"}]'
GRANT_OF_UNKNOWN_SERVICE = '--set-json=roles=[{"name": "readers", "scopes": ["custom:rc2:flight:read"]}]'
METASTORE = "hive.enabled=true,hive.external=true,hive.address=http://m:9083/metastore,hive.existingSecret=key"
HDFS = "hdfs.external=true,hdfs.address=http://n:9870,hdfs.cidrs={10.1.2.0/24}"
DATABASE = "hive.database.url=postgresql://hive@db/hive"
POSTGRESQL = "postgresql.external=true,postgresql.host=db,postgresql.existingSecret=key,postgresql.cidrs={10.1.2.0/24}"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("--set=hubs.x=1", "at '/hubs': .*no such key; accepted are .*hub, proxy, broker, labFiles, ingress"),
        ("--set=hub.confg.x=1", "at '/hub/confg': .*no such key; accepted are config, extraConfig, env"),
        ("--set=compute.homes.sise=1Gi", "at '/compute/homes/sise': .*accepted are existingClaim, size, storageClass"),
        ("--set=ingress.enabled=maybe", "at '/ingress/enabled': got string, want boolean"),
        ("--set=broker.resources=3", "at '/broker/resources': got number, want object"),
        ("--set=images.pullPolicy=Sometimes", "at '/images/pullPolicy': .*'Always', 'IfNotPresent', 'Never'"),
        ("--set=compute.homes.size=much", "at '/compute/homes/size': 'much' does not match"),
        ("--set=hub.database.url=postgresql://hub:secret@db/hub", "at '/hub/database/url'"),
        ("--set=hub.config.JupyterHub=3", "at '/hub/config/JupyterHub': got number, want object"),
        ("--set=ingress.enabled=true", "ingress.host is missing. .*rc2.example.org"),
        (TWO_DEFAULTS, "at '/profiles/1/default': .*accepted are name"),
        (
            DUPLICATE_NAME,
            r"profiles\[1\].name: r is already used .* the first profile is the default",
        ),
        (
            '--set-json=profiles[0].spare={"Mon": 3}',
            "at '/profiles/0/spare/Mon': .*accepted are else, demand and rules such as",
        ),
        ("--set=profiles[0].spare=-1", "at '/profiles/0/spare': minimum"),
        ("--set=profiles[0].spare.demand.max=3", "at '/profiles/0/spare/demand': missing property 'min'"),
        ("--set=compute.podSecurity=restricted", r"profiles\[0\].spare must be 0: .* compute.podSecurity restricted"),
        ("--set=compute.podSecurity=privileged", "at '/compute/podSecurity': .*'baseline', 'restricted'"),
        ("--set=cull.timeout=0", "at '/cull/timeout': minimum"),
        ("--set-json=profiles=[]", "at '/profiles': minItems"),
        ("--set=profiles[0].memory=lots", "at '/profiles/0/memory': 'lots' does not match"),
        (
            GRANT_OF_UNKNOWN_SERVICE,
            r"roles\[0\] \(readers\): .*the services are: flights, hdfs, hive, s3, spark, survey",
        ),
        ("--set=roles[0].scope=x", "at '/roles/0/scope': .*accepted are name, description, scopes, users, groups"),
        (
            "--set=hub.config.JupyterHub.base_url=/r",
            "hub.config.JupyterHub.base_url cannot be set: this chart always uses /",
        ),
        ("--set=hub.config.SharedServices.catalogue.x=1", "hub.config.SharedServices.catalogue cannot be set: use shared"),
        (
            "--set=postgresql.external=true",
            "postgresql.external is true, so postgresql.host and .*existingSecret are required",
        ),
        ("--set=postgresql.host=db", "postgresql.host, port and user .*set postgresql.external to true"),
        ("--set=postgresql.enabled=true,postgresql.sampleData=true", "postgresql.databases.flights is missing"),
        ("--set=hdfs.external=true", "hdfs.address is missing"),
        (
            "--set=hdfs.external=true,hdfs.address=http://n:9870",
            "hdfs.cidrs is missing. Network policies need the addresses",
        ),
        ("--set=hdfs.address=http://n:9870", "hdfs.address, hdfs.cidrs and .* are only for an external HDFS"),
        ("--set=hdfs.existingSecret=key", "hdfs.existingSecret are only for an external HDFS"),
        (
            "--set=hdfs.external=true,hdfs.address=https://n:9871,hdfs.cidrs={10.1.2.0/24}",
            "hdfs.existingSecret is missing. An HDFS at an https:// address is used with Kerberos",
        ),
        ("--set=hdfs.address=namenode:9870", "at '/hdfs/address': 'namenode:9870' does not match"),
        ("--set=hdfs.datanode.replicas=0", "at '/hdfs/datanode/replicas'"),
        ("--set=hive.enabled=true", "The chart's metastore needs the chart's HDFS: set hdfs.enabled to true"),
        (f"--set={HDFS}", "an external HDFS needs hive.external"),
        ("--set=hive.external=true", "hive.external is true, so hive.address and hive.existingSecret are required"),
        (
            f"--set={METASTORE},hdfs.enabled=true,{HDFS},hdfs.existingSecret=key",
            "Hive does not work with an HDFS with Kerberos",
        ),
        (
            f"--set={METASTORE}",
            "the tables need an HDFS that the metastore reaches: set hdfs.enabled and hdfs.external to true",
        ),
        (
            f"--set={METASTORE},hdfs.enabled=true,{HDFS}",
            "hive.cidrs is missing. Network policies need the addresses of the metastore",
        ),
        ("--set=hive.address=http://m:9083/metastore", "hive.address and hive.cidrs are only for an external metastore"),
        ("--set=hive.address=thrift://m:9083", "at '/hive/address': 'thrift://m:9083' does not match"),
        (f"--set={POSTGRESQL},postgresql.sampleData=false", "hive.database.url is missing. With postgresql.external"),
        (f"--set={DATABASE}", "hive.database.passwordSecret.name is missing"),
        (f"--set={DATABASE},hive.database.passwordSecret.name=key", "hive.database.cidrs is missing. Network policies need"),
        ("--set=hive.database.url=postgresql://hive:secret@db/hive", "at '/hive/database/url'"),
        ("--set=hive.groups={Staff}", "at '/hive/groups/0': 'Staff' does not match"),
        ("--set=s3.enabled=true", "s3.endpoint, s3.bucket and s3.existingSecret are required"),
        (
            "--set=s3.enabled=true,s3.endpoint=https://s3,s3.bucket=lab,s3.existingSecret=key",
            "s3.cidrs is missing. Network policies need the addresses of the store",
        ),
        ("--set=s3.endpoint=https://s3/path", "at '/s3/endpoint': 'https://s3/path' does not match"),
        ("--set=sharedServices.catalogue.hdfs.kind=hdfs", "sharedServices.catalogue.hdfs: the name is already used"),
        ("--set=postgresql.databases.hdfs.schemas={public}", "postgresql.databases.hdfs: the name is already used"),
        ("--set=sharedServices.catalogue.spark.kind=spark", "sharedServices.catalogue.spark: the name is already used"),
        (
            "--set=sharedServices.catalogue.key.kind=secret,sharedServices.catalogue.key.file=/etc/rc2hub/credentials/key",
            "sharedServices.catalogue.key.file: set sharedServices.credentialsSecret",
        ),
        (
            "--set=sharedServices.catalogue.key.kind=postgres,sharedServices.catalogue.key.admin.file=/etc/rc2hub/credentials/key",
            "sharedServices.catalogue.key.admin.file: set sharedServices.credentialsSecret",
        ),
        (
            "--set=postgresql.databases.flights.table=x",
            "at '/postgresql/databases/flights/table': .*accepted are display_name",
        ),
        ("--set=networkPolicies.apiServer.cidrs[0]=here", "at '/networkPolicies/apiServer/cidrs/0': 'here' does not match"),
    ],
)
def test_an_invalid_value_is_rejected_with_its_key(values: str, sentence: str) -> None:
    base = "defaults" if ".enabled=true" in values else "department"
    with pytest.raises(RefusedError, match=f"(?s){sentence}"):
        render(f"--values={VALUES / base}.yaml", values)


@pytest.mark.parametrize("section", sorted(yaml.safe_load((CHART / "values.yaml").read_text()).keys() - LISTS))
def test_a_mistyped_key_is_rejected_in_every_section(section: str) -> None:
    with pytest.raises(RefusedError, match=f"at '/{section}/mistake': .*no such key; accepted are"):
        render(f"--set={section}.mistake=1")
