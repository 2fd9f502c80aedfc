"""The kinds of shared service.

base.py              the interface that each kind implements
catalogue.py         the operator's catalogue of services, and the installed kinds
postgres.py          the kind `postgres`: a login role for each compute server
postgres_rights.py   the group roles of PostgreSQL and their rights, and dropping a login role
spark.py             the kind `spark`: a gateway to Spark Connect servers
"""
