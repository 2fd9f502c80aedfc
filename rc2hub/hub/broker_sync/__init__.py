"""The hub's side of the broker: keeps the broker's desired state right for as long as the hub runs.

client.py           HTTP calls to the broker, with the secret that hub and broker share
grants.py           the grants of many users at once, from the roles that JupyterHub gives them
desired_state.py    works out the desired state and sends it, at every change and every 15 seconds
change_requests.py  applies what users ask for while their server runs
group_refresh.py    has the authenticator refresh the groups of users with a running server
"""
