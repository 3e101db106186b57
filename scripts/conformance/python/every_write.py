"""Makes every kind of write of the vendor's Python client, and prints the created refs.

    WF_TRACE_SERVER_URL=… WANDB_BASE_URL=… WANDB_API_KEY=… python every_write.py PROJECT URL [--init]

Prints one JSON line: `{"objects": [URI, …]}`. Every run writes the same. With `--init` it only
creates the client.
"""

import asyncio
import json
import sys

import weave
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from PIL import Image

project = sys.argv[1]
output = sys.stdout
sys.stdout = sys.stderr
client = weave.init(project)
if "--init" in sys.argv:
    client.finish()
    sys.exit()


@weave.op
def leaf(text: str, number: float) -> dict:
    return {"text": text, "double": number * 2, "whole": 1.0, "large": 2**70, "nothing": None}


@weave.op
def branch(name: str) -> list:
    return [leaf(name, 0.5), leaf("ä \U0001f600", 3.0)]


@weave.op
def picture() -> Image.Image:
    return Image.new("RGB", (4, 3), (255, 0, 0))


@weave.op
def failing(why: str) -> None:
    leaf("before", 1e-7)
    raise ValueError(why)


with weave.attributes({"request": "r-1", "ratio": 1.0}):
    result, call = branch.call("root")
call.feedback.add_reaction("\U0001f44d")
call.feedback.add_note("a note")
call.set_display_name("renamed")
picture()
try:
    failing("on purpose")
except ValueError:
    pass
_, unwanted = leaf.call("deleted", 1)
client.flush()
client.delete_call(unwanted)

config = weave.publish({"temperature": 1.0, "tokens": 100, "tags": ["a", "é"]}, "config")
rows = [{"id": i, "question": f"{i} + {i}", "expected": 2.0 * i} for i in range(5)]
dataset = weave.Dataset(name="questions", rows=rows)
questions = weave.publish(dataset, "questions")


class Adder(weave.Model):
    offset: float

    @weave.op
    def predict(self, id: int, question: str) -> float:
        return 2.0 * id + self.offset


@weave.op
def exact(expected: float, output: float) -> dict:
    return {"exact": expected == output}


evaluation = weave.Evaluation(name="sums", dataset=dataset, scorers=[exact])
summary = asyncio.run(evaluation.evaluate(Adder(name="adder", offset=0.0)))
client.add_cost("model-a", 0.5, 0.25)
client.finish()

entity, name = project.split("/")
provider = TracerProvider(resource=Resource({"wandb.entity": entity, "wandb.project": name}))
exporter = OTLPSpanExporter(
    endpoint=sys.argv[2] + "/otel/v1/traces",
    headers={"wandb-api-key": "k" * 40, "project_id": project},
)
finished = InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(finished))
tracer = provider.get_tracer("conformance")
with tracer.start_as_current_span("span", attributes={"kind": "root", "count": 3, "ratio": 0.5}):
    with tracer.start_as_current_span("inner") as inner:
        inner.set_status(Status(StatusCode.ERROR, "failed"))
if exporter.export(finished.get_finished_spans()) is not SpanExportResult.SUCCESS:
    sys.exit("the spans were not exported")
print(json.dumps({"objects": [config.uri(), questions.uri()], "summary": summary["exact"]}), file=output, flush=True)
