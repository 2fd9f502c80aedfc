"""Gateways: processes between users' programs and a shared service that cannot tell users apart.

For every call a gateway asks the broker who the caller is, and forwards the call in the name of that user.

gateway_process.py    what the processes of all gateways share
token_review.py       asks the broker whose token a call carries
attached_servers.py   the compute servers that use a service now, their sessions and calls
recheck.py            ends what a server may no longer do
broker_calls.py       what the broker calls on a gateway: list, attach, detach
broker_rpc.py         these calls by gRPC, for Spark
broker_http.py        these calls by HTTP, for HDFS, S3 and Hive
spark_gateway.py      the Spark gateway: forwards each call to the user's Connect server; `python -m` starts it
connect_messages.py   sets the user in a message of Spark Connect
message_limits.py     limits the messages and calls that are in the gateway at the same time
drivers.py            drivers, each of which has one Connect server: start, idle stop, end
connect_server.py     a Connect server, which starts without a user and gets its user later
connect_standbys.py   keeps some of them ready
in_spark/             the programs that run in Spark's Python for that
process_drivers.py    drivers as processes, for single-user mode
connect_process.py    one such process
java_command.py       the command line of such a process; java.args holds its Java options
driver_token.py       the token of a driver, which names its user, and the secret of a pod
webhdfs_conf.py       Spark's configuration for HDFS behind its gateway
s3a_conf.py           Spark's configuration for an S3 store behind its gateway
pod_drivers.py        drivers as pods, for multi-user mode
connect_pod.py        one such pod
pod_specs.py          builds the pods of drivers and executors
secret_transfer.py    runs a command in a pod, such as the one that takes its secret
executors.py          the executors of a driver
executor_api.py       the part of the Kubernetes API with which a driver requests its executors
stream_gateway.py     what the gateways of HDFS and S3 share: a call is passed on as a stream
refused_call.py       a call that is refused
hdfs_gateway.py       the HDFS gateway: forwards each call in the name of its user; `python -m` starts it
webhdfs_request.py    checks a call of a user, and makes a new one of it
hdfs_client.py        the calls to HDFS itself
webhdfs_refusal.py    what it refuses
delegation_tokens.py  how these calls name their user: by a name, or with Kerberos by a token
spnego.py             the calls about such tokens, which Kerberos authenticates
s3_gateway.py         the S3 gateway: checks each call, and signs a new one; `python -m` starts it
s3_request.py         checks a call of a user
s3_client.py          the calls to the store itself
user_folders.py       the folders of users and groups there
hive_gateway.py       the Hive gateway: checks each call, and forwards it in the name of its user; `python -m` starts it
hive_front.py         its port
hive_sasl.py          how Spark's own client of Hive authenticates
hive_calls.py         checks a call of a user
hive_methods.py       the methods of the metastore that are offered
hive_databases.py     the databases of users and groups, and who may use them
hive_client.py        the calls to the metastore itself
hive_key.py           the key with which they are signed; `python -m` makes one
hive_conf.py          Spark's configuration for Hive behind its gateway
thrift_message.py     reads and writes messages of Thrift
"""
