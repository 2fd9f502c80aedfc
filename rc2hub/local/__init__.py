"""Single-user mode: everything on one machine, under one account, with one command."""
