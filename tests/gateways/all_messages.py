"""Runs with Spark's own classes: builds every request as somebody else's, and reads what the gateway makes of it."""

import json
import sys
from pathlib import Path

from google.protobuf import message_factory
from pyspark.sql.connect.proto import base_pb2

sys.path.insert(0, str(Path(__file__).parents[2]))
from rc2hub.gateways.wire import force_user

for method in base_pb2.DESCRIPTOR.services_by_name["SparkConnectService"].methods:
    kind = message_factory.GetMessageClass(method.input_type)
    request = kind(session_id="s-1")
    if hasattr(request, "client_type"):
        request.client_type = "t" * 300
    expected = kind.FromString(request.SerializeToString())
    expected.user_context.user_id = expected.user_context.user_name = "alice"
    request.user_context.user_id = "mallory"
    request.user_context.extensions.add().type_url = "x"
    raw = request.SerializeToString()
    forced, session = force_user(raw + raw, "alice")  # a field may stand there twice
    right = kind.FromString(forced) == expected and session == "s-1"
    print(json.dumps({method.name: "as it should be" if right else str(kind.FromString(forced))}))
