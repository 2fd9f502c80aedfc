"""JupyterHub authenticators: who the user is, and which groups the user is in. They run in the hub.

login_link.py     users of one machine, who log in by links that work once
oidc.py           users of an organisation, who log in at its OpenID provider
oidc_handlers.py  the pages of that login: login, callback, logout
oidc_client.py    the requests to the provider
oidc_provider.py  how the provider's answers are read
error_page.py     the page that says why a login failed
"""
