"""Pools: standbys that are ready before anybody asks, the claim of one, and its activation.

local.py        a pool of processes of this machine
cluster.py      a pool of pods; takes away pods that are nobody's
keeper.py       keeps the Deployment of one profile's standbys; deployment.py says how it looks
claim.py        from ready standbys to one that is somebody's
pods.py         one pod: what it is born with, the stream to it; pod_states.py reads its status
stream.py       the hub's end of that stream; activation.py says what goes over it
tally.py        what a pool has seen lately, for `spare` by demand and for the metrics; plan.py shows a day ahead
"""
