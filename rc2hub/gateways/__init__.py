"""Gateways: processes between users' programs and a shared service that cannot tell users apart.

For every call a gateway asks the broker who the caller is, and forwards the call in the name of that user.

spark_gateway.py      the Spark gateway: forwards each call to the user's Connect server; `python -m` starts it
token_review.py       asks the broker whose token a call carries
connect_messages.py   sets the user in a message of Spark Connect
message_limits.py     limits the messages and calls that are in the gateway at the same time
attached_servers.py   the compute servers that use Spark now, their sessions and calls
broker_rpc.py         the calls of the broker to a gateway: list, attach, detach
drivers.py            drivers, each of which runs one Connect server: start, idle stop, end
process_drivers.py    drivers as processes, for single-user mode
java_command.py       the command line of such a process; java.args holds its Java options
pod_drivers.py        drivers as pods, for multi-user mode
pod_specs.py          builds the pods of drivers and executors
secret_transfer.py    sends a pod its secret
executors.py          the executors of a driver
executor_api.py       the part of the Kubernetes API with which a driver requests its executors
"""
