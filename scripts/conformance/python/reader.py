"""Reads from a trace server with the vendor's Python client, on request.

    WF_TRACE_SERVER_URL=… WANDB_BASE_URL=… WANDB_API_KEY=… python reader.py

Responds to each line with a JSON request by one JSON line: `{"calls": PROJECT}` returns the calls
of a project, `{"get": [URI, …]}` the values of refs, `{"feedback": PROJECT}` the feedback and
`{"costs": PROJECT}` the costs of a project. Values are described so that their Python types can be
distinguished in JSON.
"""

import enum
import json
import sys
import traceback

import weave
from weave.trace.refs import Ref
from weave.trace.vals import WeaveObject

clients: dict[str, object] = {}
SAFE_INTEGER = 2**53


def client_of(project: str) -> object:
    """The client of a project; the last one created also resolves refs."""
    if project not in clients or weave.get_client() is not clients[project]:
        clients[project] = weave.init(project)
    return clients[project]


def describe(value: object) -> object:
    """The value in JSON; `$` keys describe what JSON cannot express."""
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return value if abs(value) < SAFE_INTEGER else {"$int": str(value)}
    if isinstance(value, float):
        return value if value % 1 and value == value else {"$float": repr(value)}
    if isinstance(value, Ref):
        return {"$ref": value.uri}
    if isinstance(value, dict):
        return {describe(key): describe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    return describe_object(value)


def describe_object(value: object) -> object:
    kind = type(value).__name__
    if isinstance(value, WeaveObject):
        record = value._val
        kind = getattr(record, "_class_name", kind)
        fields = {name: getattr(value, name) for name in vars(record) if not name.startswith("_")}
        return {"$type": kind, **{name: describe(item) for name, item in fields.items()}}
    if hasattr(value, "model_fields"):
        names = [name for name in type(value).model_fields if name != "ref"]
        return {"$type": kind, **{name: describe(getattr(value, name)) for name in names}}
    if kind == "Table" or hasattr(value, "rows") or kind == "WeaveTable":
        return [describe(row) for row in value]
    if hasattr(value, "size") and hasattr(value, "mode"):
        return {"$type": "Image", "size": list(value.size)}
    if kind == "Wave_read":
        return {"$type": "Audio", "frames": value.getnframes(), "rate": value.getframerate()}
    return {"$type": kind, "text": str(value)[:200]}


def call_of(call: object) -> dict:
    return {
        "id": call.id,
        "op_name": call.op_name,
        "trace_id": call.trace_id,
        "parent_id": call.parent_id,
        "display_name": call.display_name,
        "thread_id": call.thread_id,
        "turn_id": call.turn_id,
        "started_at": call.started_at.isoformat(),
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
        "attributes": describe(dict(call.attributes.unwrap() if hasattr(call.attributes, "unwrap") else call.attributes)),
        "inputs": describe(call.inputs),
        "output": describe(call.output),
        "exception": call.exception,
        "summary": describe(call.summary),
    }


def answer(request: dict) -> object:
    if "calls" in request:
        return [call_of(call) for call in client_of(request["calls"]).get_calls()]
    if "get" in request:
        values = []
        for uri in request["get"]:
            client_of("/".join(uri.split("/")[3:5]))
            values.append(describe(weave.ref(uri).get()))
        return values
    if "feedback" in request:
        found = client_of(request["feedback"]).get_feedback()
        return [{name: describe(getattr(item, name)) for name in ("id", "weave_ref", "feedback_type", "payload", "creator")} for item in found]
    if "costs" in request:
        found = client_of(request["costs"]).query_costs()
        return [{name: describe(getattr(item, name)) for name in ("llm_id", "prompt_token_cost", "completion_token_cost")} for item in found]
    raise ValueError(f"Unknown request: {request}")


# The client's own output must not be mixed with the responses.
answers = sys.stdout
sys.stdout = sys.stderr
print(json.dumps({"ready": True}), file=answers, flush=True)
for line in sys.stdin:
    try:
        reply = {"answer": answer(json.loads(line))}
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-2000:]}
    print(json.dumps(reply), file=answers, flush=True)
