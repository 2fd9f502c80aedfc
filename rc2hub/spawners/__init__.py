"""JupyterHub's spawner hooks.

base.py    what all spawners of Rc² share
form.py    the form of a request
local.py   compute servers as processes of this machine
"""
