"""Programs that run in Spark's own Python (`spark-requirements.txt`), and import nothing of this package.

connect_server.py   starts a Connect server in Java, and later gives it its user
warm_up.py          the first queries of a standby
"""
