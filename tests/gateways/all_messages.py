"""Runs with Spark's own classes: builds every request in another user's name, and reads what the gateway makes of it."""

import json
import sys
from pathlib import Path

from google.protobuf import message_factory
from pyspark.sql.connect.proto import base_pb2

sys.path.insert(0, str(Path(__file__).parents[2]))
from rc2hub.gateways.connect_messages import set_user

for method in base_pb2.DESCRIPTOR.services_by_name["SparkConnectService"].methods:
    message_class = message_factory.GetMessageClass(method.input_type)
    request = message_class(session_id="s-1")
    if hasattr(request, "client_type"):
        request.client_type = "t" * 300
    expected = message_class.FromString(request.SerializeToString())
    expected.user_context.user_id = expected.user_context.user_name = "alice"
    request.user_context.user_id = "mallory"
    request.user_context.extensions.add().type_url = "x"
    raw = request.SerializeToString()
    forced, session = set_user(raw + raw, "alice")  # protobuf allows a field twice
    is_right = message_class.FromString(forced) == expected and session == "s-1"
    print(json.dumps({method.name: "ok" if is_right else str(message_class.FromString(forced))}))
