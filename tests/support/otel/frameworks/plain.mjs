import { trace } from "@opentelemetry/api";
import { provider } from "./instrumentation.mjs";

const tracer = trace.getTracer("app");
tracer.startActiveSpan("answer", (span) => {
  tracer.startSpan("search").end();
  span.end();
});
await provider.shutdown();
