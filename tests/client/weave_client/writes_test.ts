import assert from "node:assert/strict";
import { RECORD_TYPES } from "../../../src/protocol/record_types.ts";
import { tableDigest } from "../../../src/protocol/digest/digest.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("writes: a manual call gets ids and times, and its end is joined with its start", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  const call = client.callStart({ op_name: "by-hand", inputs: { n: 1n }, thread_id: "t" });
  assert.match(call.id, UUID7);
  assert.match(call.trace_id, UUID7);
  client.callEnd({ ...call, output: new Map([["a", 1]]), summary: { usage: {} } });
  const [{ start }] = pipeline.of("call_start");
  const [{ end }] = pipeline.of("call_end");
  assert.deepEqual(start, {
    project_id: "team/demo",
    ...call,
    op_name: "by-hand",
    thread_id: "t",
    attributes: {},
    inputs: { n: "1" },
  });
  assert.deepEqual(Object.keys(start).slice(0, 5), [
    "project_id",
    "id",
    "trace_id",
    "op_name",
    "started_at",
  ]);
  assert.deepEqual(end, {
    project_id: "team/demo",
    ...call,
    ended_at: end.ended_at,
    output: { a: 1 },
    summary: { usage: {} },
  });
  assert.deepEqual(Object.keys(end).slice(0, 5), [
    "project_id",
    "id",
    "trace_id",
    "started_at",
    "ended_at",
  ]);
});

test("writes: given fields of a call are kept", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  const given = { id: "i", trace_id: "t", started_at: "2020-01-01T00:00:00.5Z" };
  assert.deepEqual(client.callStart({ ...given, op_name: "o", parent_id: "p" }), given);
  client.callEnd({ ...given, ended_at: "2020-01-01T00:00:01Z", exception: "broke" });
  assert.equal(pipeline.of("call_start")[0].start.parent_id, "p");
  const [{ end }] = pipeline.of("call_end");
  assert.deepEqual([end.ended_at, end.exception, end.output], [
    "2020-01-01T00:00:01Z",
    "broke",
    null,
  ]);
});

test("writes: every record type has a method, and each creates one record of that type", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  const call = client.callStart({ op_name: "o" });
  client.callEnd(call);
  client.callUpdate(call.id, "x".repeat(2000));
  await client.updateCall(call.id, "");
  client.callsDelete([call.id]);
  client.objCreate("thing", { a: 1 });
  const { row_digests: rows } = client.tableCreate([{ x: 1 }, { x: 2 }]);
  client.tableUpdate("base", [{ pop: { index: 0 } }]);
  client.tableCreateFromDigests(rows);
  client.fileCreate("a.txt", "text");
  const feedback = { weave_ref: "weave:///team/demo/call/1", feedback_type: "note", payload: {} };
  client.feedbackCreate(feedback);
  client.feedbackReplace({ ...feedback, feedback_id: "old" });
  client.costCreate({ gpt: { prompt_token_cost: 1, completion_token_cost: 2 } });
  client.spansCreate(Uint8Array.of(10, 0));
  client.spansCreate(Uint8Array.of(10, 0), "agents");
  const types = pipeline.records.map(({ type }) => type);
  assert.deepEqual([...new Set(types)].sort(), [...RECORD_TYPES].sort());
  assert.equal(pipeline.of("call_update")[0].display_name.length, 1000);
  assert.equal(pipeline.of("call_update")[1].display_name, "");
  assert.deepEqual(pipeline.of("calls_delete"), [{ project_id: "team/demo", call_ids: [call.id] }]);
  const spans = [{ project_id: "team/demo", request_base64: "CgA=" }];
  assert.deepEqual([pipeline.of("otel_traces"), pipeline.of("otel_agents")], [spans, spans]);
  assert.deepEqual(pipeline.of("cost_create"), [{
    project_id: "team/demo",
    costs: { gpt: { prompt_token_cost: 1, completion_token_cost: 2 } },
  }]);
});

test("writes: objects, tables and files return the digests that the server will compute", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  assert.deepEqual(client.objCreate("o", { hello: "world" }), {
    digest: "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE",
  });
  assert.deepEqual(client.objCreate("o", { a: 1 }, { builtinObjectClass: "Leaderboard" }), {
    digest: undefined,
  });
  assert.equal(pipeline.of("obj_create")[1].obj.builtin_object_class, "Leaderboard");
  assert.deepEqual(client.tableCreate([{ x: 1 }, { x: 2 }]), {
    digest: "ed8bd1f8cb829eeb6b3fef95a7cd8401f7e5af825c4c9aa144a1ceb9f32c3654",
    row_digests: [
      "YTYlqmU0Pbsbmr5qusZ3P1yRvWDT8vX34urmnh24sic",
      "JPVyYA4VDTIwE4OFqgAGyhuZO0a7Qn90bMaQyY2TJBM",
    ],
  });
  assert.deepEqual(client.fileCreate("a", "hello world"), {
    digest: "uU0nuZNNPgilLlLX2n2rXsSE7XN6U4DukIj3rOLvzek",
  });
  assert.deepEqual(client.fileCreate("b", new TextEncoder().encode("hello world")), {
    digest: "uU0nuZNNPgilLlLX2n2rXsSE7XN6U4DukIj3rOLvzek",
  });
  assert.deepEqual(pipeline.of("file_create"), [
    { project_id: "team/demo", name: "a", content: "hello world" },
    { project_id: "team/demo", name: "b", content_base64: "aGVsbG8gd29ybGQ=" },
  ]);
});

test("writes: byte values are recorded as base64", async () => {
  using fixture = await clientFixture();
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) & 255);
  fixture.client.fileCreate("bytes", bytes);
  const [{ content_base64 }] = fixture.pipeline.of("file_create");
  assert.deepEqual(Uint8Array.from(atob(content_base64), (c) => c.charCodeAt(0)), bytes);
});

test("writes: a changed table's digest is known if its rows are", async () => {
  using fixture = await clientFixture();
  const { client } = fixture;
  const { digest, row_digests: [one, two] } = client.tableCreate([{ x: 1 }, { x: 2 }]);
  const [three] = client.tableCreate([{ x: 3 }]).row_digests;
  const updates = [
    { append: { row: { x: 3 } } },
    { pop: { index: 0 } },
    { insert: { index: 1, row: { x: 1 } } },
  ];
  const known = client.tableUpdate(digest, updates, [one, two]);
  assert.deepEqual(known, {
    digest: tableDigest([two, one, three]),
    row_digests: [two, one, three],
  });
  assert.equal(client.tableUpdate(digest, updates).digest, undefined);
  assert.deepEqual(client.tableCreateFromDigests([two, one, three]), { digest: known.digest });
});

test("writes: a large table is sent in parts that form the same table", async () => {
  using fixture = await clientFixture();
  const rows = Array.from({ length: 10 }, (_, i) => ({ i, text: "x".repeat(1_000_000) }));
  const { digest, row_digests } = fixture.client.tableCreate(rows);
  const parts = fixture.pipeline.of("table_create");
  assert.ok(parts.length > 1);
  assert.deepEqual(parts.flatMap(({ table }) => table.rows), rows);
  const [whole] = fixture.pipeline.of("table_create_from_digests");
  assert.deepEqual(whole.row_digests, row_digests);
  assert.equal(digest, tableDigest(row_digests));
});

test("writes: feedback has an id before it is sent, one by one and in bulk", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  const note = (text: string) => ({
    weave_ref: "weave:///team/demo/call/1",
    feedback_type: "wandb.note.1",
    payload: { note: text },
  });
  const one = client.feedbackCreate({ ...note("one"), id: "mine", creator: "ada" });
  assert.equal(one.id, "mine");
  const many = client.feedbackCreate([note("two"), note("three")]);
  const replaced = client.feedbackReplace({ ...note("four"), feedback_id: "mine" });
  const records = pipeline.of("feedback_create");
  assert.deepEqual(records.map(({ id }) => id), ["mine", ...many.map(({ id }) => id)]);
  for (const { id } of [...many, replaced]) assert.match(id, UUID7);
  assert.deepEqual(pipeline.of("feedback_replace"), [{
    ...note("four"),
    feedback_id: "mine",
    id: replaced.id,
    project_id: "team/demo",
  }]);
});

test("writes: a score is feedback on the call that contains its scorer", async () => {
  using fixture = await clientFixture();
  const scorer = "weave:///team/demo/op/exact-match:abc";
  const id = await fixture.client.addScore("call-1", "call-2", scorer, { match: true });
  assert.deepEqual(fixture.pipeline.of("feedback_create"), [{
    id,
    project_id: "team/demo",
    weave_ref: "weave:///team/demo/call/call-1",
    feedback_type: "wandb.runnable.exact-match",
    payload: { output: { match: true } },
    runnable_ref: scorer,
    call_ref: "weave:///team/demo/call/call-2",
  }]);
});
