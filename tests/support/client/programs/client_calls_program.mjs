// Run by client_calls_test.ts in its own Node process, once with the official SDK and
// once with this package: only the module differs.
const weave = await import(process.argv[2]);
const client = await weave.init("team/compare", {
  printCallLink: false,
  globalAttributes: { app: "compare" },
});
const report = { exported: Object.keys(weave).sort() };
const newCall = () => ({
  callSchema: {},
  updateWithCallSchemaData(fields) {
    Object.assign(this.callSchema, fields);
  },
});

const { printCallLink, shouldPrintCallLink, globalAttributes, attributes } = client.settings;
report.settings = { printCallLink, shouldPrintCallLink, globalAttributes, attributes };

// The call stack and the attributes outside and inside of ops.
const looks = weave.op(function looks() {
  const entry = client.getCallStack().peek();
  const required = weave.requireCurrentCallStackEntry();
  const { currentCall, parentCall, newStack } = client.pushNewCall();
  return {
    same: entry.callId === required.callId && entry.traceId === required.traceId,
    parent: parentCall.callId === entry.callId,
    trace: currentCall.traceId === entry.traceId,
    other: currentCall.callId !== entry.callId,
    summary: currentCall.childSummary,
    top: newStack.peek() === currentCall,
    attributes: client.getCurrentAttributes(),
  };
});
report.outside = [client.getCallStack().peek(), client.getCurrentAttributes()];
report.inside = await client.runWithAttributes(
  { a: 1, b: 1 },
  () => client.runWithAttributes({ b: 2 }, () => looks()),
);
const root = client.pushNewCall();
report.root = [root.parentCall ?? null, root.currentCall.traceId !== root.currentCall.callId];

// Calls recorded step by step by an integration, with nested ops.
const leaf = weave.op(function leaf(n) {
  return n;
}, { summarize: (n) => ({ usage: { m: { prompt_tokens: n } } }) });
const step = weave.op(function step() {}, { name: "step" });
const ref = await client.saveOp(step);
report.ref = ref.uri();
const outer = client.pushNewCall();
const outerCall = newCall();
const started = client.createCall(
  outerCall,
  step,
  ["x", 2],
  ["text", "n"],
  { self: "me" },
  outer.currentCall,
  outer.parentCall,
  new Date(1_700_000_000_000),
  "shown",
  { b: 3, own: true },
);
await client.runWithCallStack(outer.newStack, async () => {
  await client.runWithAttributes({ request: "r-1" }, () => leaf(1));
  report.nested = client.getCallStack().peek() === outer.currentCall;
  const inner = client.pushNewCall();
  const call = newCall();
  const innerStarted = client.runWithAttributes(
    { request: "r-2", app: "inner" },
    () =>
      client.createCall(
        call,
        ref,
        [{ key: "value" }],
        "useParam0Object",
        undefined,
        inner.currentCall,
        inner.parentCall,
        new Date(1_700_000_001_000),
      ),
  );
  await client.runWithCallStack(inner.newStack, () => leaf(2));
  await client.finishCallWithException(
    call,
    new TypeError("went wrong"),
    inner.currentCall,
    inner.parentCall,
    new Date(1_700_000_002_000),
    innerStarted,
  );
});
await client.finishCall(
  outerCall,
  { done: [1] },
  outer.currentCall,
  outer.parentCall,
  ({ done }) => ({ usage: { m: { prompt_tokens: 10 } }, count: done.length }),
  new Date(1_700_000_003_000),
  started,
);
const { id, inputs, output, started_at, ended_at } = outerCall.callSchema;
report.fields = [id === outer.currentCall.callId, inputs.text, output, started_at > "2023-11-14"];
report.ended = ended_at > started_at;

await client.waitForBatchProcessing();
const [read] = await client.getCalls({ call_ids: [id] });
report.times = [new Date(read.started_at).getTime(), new Date(read.ended_at).getTime()];
console.log(JSON.stringify(report));
