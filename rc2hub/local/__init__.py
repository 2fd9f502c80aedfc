"""Single-user mode: `rc2hub up` starts everything on one machine, under one account. It runs as the command line.

up.py            starts and stops the hub, prints the login links
home.py          the folder RC2_HOME: paths and lock
ports.py         the ports of the servers, which stay the same
database.py      PostgreSQL from a PyPI wheel, as a service of the hub
hdfs.py          HDFS from PySpark's jars, as a service of the hub
hive.py          Hive's metastore, as a service of the hub
hive_schema.py   the schema of its database; the chart uses it too
lab_files.py     JupyterLab's files for all servers, as a service of the hub
offer.py         the shared services that are offered
sample_data.py   fills the database `flights`; the chart uses it too
dataexpo.sql.gz  the climate tables
"""
