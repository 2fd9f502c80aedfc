"""The kinds of shared service.

base.py              the interface that each kind implements
contract.py          the tests that each kind passes
catalogue.py         the operator's catalogue of services, and the installed kinds
postgres.py          the kind `postgres`: a login role for each compute server
postgres_names.py    how PostgreSQL roles are named, and the labels in their comments
postgres_roles.py    creating, finding and dropping them
postgres_grants.py   the rights of the group roles
postgres_public.py   what PostgreSQL leaves open to every role
postgres_files.py    the address of a PostgreSQL service, and the files of an attachment
gateway_service.py   what the kinds with a gateway have in common
spark.py             the kind `spark`: a gateway to Spark Connect servers
hadoop_service.py    what the kinds `hdfs` and `hive` have in common
hdfs.py              the kind `hdfs`: a gateway to an HDFS
hive.py              the kind `hive`: a gateway to Hive's metastore
s3.py                the kind `s3`: a gateway to a bucket of an S3-compatible store
secret.py            the kind `secret`: a licence key or an API token, as a file
"""
