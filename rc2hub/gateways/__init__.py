"""Gateways: processes of their own between people's programs and a shared service that cannot tell people apart.

A gateway proves with the broker who is calling, at every token, and passes the call on as that person.
"""
