"""Who a person is, and which groups she is in.

local.py         people of one machine, by links that work once
oidc.py          people of an organisation, by its OpenID provider
pages.py         the way to that provider, back from it, and out
conversation.py  what is asked of it
provider.py      what its answers mean
refusal.py       the page of somebody who is not let in
"""
