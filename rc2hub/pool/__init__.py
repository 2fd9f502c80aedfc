"""Pools: standbys that are ready before anybody asks, the claim of one, and its activation.

local.py    processes of this machine
"""
