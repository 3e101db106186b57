"""Writes calls of the vendor's Python client, or spans with OpenTelemetry's exporter.

    python python_client.py calls|spans PROJECT URL COUNT
"""

import sys
import time

kind, project, url, count = sys.argv[1:]


def write_calls() -> None:
    import weave

    client = weave.init(project)

    @weave.op
    def inner(n: int) -> int:
        return n

    @weave.op
    def outer(n: int) -> int:
        return inner(n)

    for n in range(int(count)):
        outer(n)
        time.sleep(0.005)
    client.finish()


def write_spans() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=url + "/otel/v1/traces", headers={"project_id": project})
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    tracer = provider.get_tracer("tests")
    for n in range(int(count)):
        with tracer.start_as_current_span(f"span {n}"):
            pass
        time.sleep(0.005)
    provider.shutdown()


write_calls() if kind == "calls" else write_spans()
