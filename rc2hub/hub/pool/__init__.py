"""Pools: standbys that are ready before a user logs in, the claim of one, and its activation.

standby_queue.py          who gets which standby: both pools use it
pool_stats.py             claims and refills: for `spare` by demand and for the metrics
activation.py             makes a claimed standby the user's, over its control stream
control_stream.py         the hub's end of that stream
environment.py            the variables of every standby

process_pool.py           standbys as processes of this machine, for single-user mode
process_standby.py        one such process

pod_pool.py               standbys as pods, for multi-user mode: all profiles
pod_profile_pool.py       the standbys of one profile, from the ready pod to the claim
pod_standby.py            one pod: what every pod contains, and the control stream to it
deployment.py             how the Deployment of standbys looks
claim.py                  whether a standby fits a user, and the patch that claims it
deployment_reconciler.py  keeps that Deployment as configured
unreachable_standbys.py   standbys that are ready and cannot be reached
refill_throttle.py        holds new standbys behind a scheduling gate while users log in
pod_sweeper.py            deletes pods that belong to no server
"""
