"""The kinds of shared service, one file each.

base.py             the contract that a kind fulfils
catalogue.py        which services the operator offers
postgres.py         PostgreSQL, with postgres_rights.py for who may do what in the database
"""
