import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import {
  completeOf,
  endOf,
  post,
  PROJECT,
  send,
  startOf,
} from "../support/mock_server/mock_requests.ts";

type Json = Record<string, unknown>;

const NESTED = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

/** Calls that the server rejects, with the status and a part of the reason. */
const REFUSED_CALLS: [string, Json, number, RegExp][] = [
  ["a plain op name of 129 characters", { op_name: "x".repeat(129) }, 400, /Max length is 128/],
  ["an op ref of an object", { op_name: `weave:///${PROJECT}/object/f:d` }, 400, /Must be of type/],
  ["an op ref without a digest", { op_name: `weave:///${PROJECT}/op/f` }, 500, /Internal/],
  ["a display name of 1,025 characters", { display_name: "x".repeat(1025) }, 400, /is 1024/],
  ["a negative step", { wb_run_step: -1 }, 500, /Internal server error/],
  ["a negative last step", { wb_run_step_end: -1 }, 500, /Internal server error/],
  ["half a ref", { inputs: { deep: [{ x: "weave:///nope" }] } }, 400, /Invalid URI: weave:\/\/\/n/],
  ["half a ref in the output", { output: "weave:///a/b" }, 400, /Invalid URI/],
  ["half a ref in JSON text", { inputs: { x: '["weave:///nope"]' } }, 400, /Invalid URI/],
  ["an internal ref", { attributes: { x: "weave-trace-internal:///p/op/f:d" } }, 400, /internal/],
  [
    "a ref to a missing project",
    { inputs: { x: "weave:///missing/p/object/o:d" } },
    404,
    /missing\/p/,
  ],
  ["depth beyond 200", { inputs: { x: NESTED(200) } }, 413, /too large/],
];

const TAKEN_CALLS: [string, Json][] = [
  ["a plain op name of 128 characters", { op_name: "x".repeat(128) }],
  ["a long op ref", { op_name: `weave:///${PROJECT}/op/${"x".repeat(300)}:d` }],
  ["a display name of 1,024 characters", { display_name: "x".repeat(1024) }],
  ["a ref inside a sentence", { inputs: { x: "see weave:///nope" } }],
  ["a ref as a key", { inputs: { "weave:///nope": 1 } }],
  ["a ref to something unknown", { output: "weave:///a/b/c" }],
  ["depth of 190", { inputs: { x: NESTED(190) } }],
  ["brackets inside a text", { inputs: { x: "[".repeat(500) } }],
  ["is_eval, which is ignored", { is_eval: true }],
  ["usage of any kind beside token counts", { summary: { usage: { m: { x: { y: 1 } } } } }],
  ["status counts", { summary: { status_counts: { success: 1, error: 0 } } }],
];

for (const [name, more, status, reason] of REFUSED_CALLS) {
  test(`mock: a call with ${name} is refused with ${status} on both call paths`, async () => {
    await using mock = await startMockServer({ missingProjects: ["missing"] });
    const batch = [completeOf("a"), completeOf("b", more)];
    const complete = await post(mock, `/v2/${PROJECT}/calls/complete`, { batch });
    const { wb_run_step_end, output } = more;
    const isOfEnd = wb_run_step_end !== undefined || output !== undefined;
    const part = isOfEnd
      ? { mode: "end", req: { end: endOf("b", more) } }
      : { mode: "start", req: { start: startOf("b", more) } };
    const upsert = await post(mock, "/call/upsert_batch", {
      batch: [{ mode: "start", req: { start: startOf("a") } }, part],
    });
    for (const answer of [complete, upsert]) {
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.reason, reason);
    }
    assert.equal(mock.store.callCount(), 0, "the whole batch is refused");
  });
}

test("mock: unusual but valid calls are accepted", async () => {
  await using mock = await startMockServer();
  for (const [name, more] of TAKEN_CALLS) {
    const batch = [completeOf(name, more)];
    const answer = await post(mock, `/v2/${PROJECT}/calls/complete`, { batch });
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  }
  assert.equal(mock.store.callCount(), TAKEN_CALLS.length);
});

test("mock: a summary has usage of whole numbers and counts of known states, or is 422", async () => {
  await using mock = await startMockServer();
  const summaries: unknown[] = [
    null,
    [],
    { usage: null },
    { usage: 3 },
    { usage: { m: null } },
    { usage: { m: 3 } },
    { usage: { m: { prompt_tokens: 1.5 } } },
    { usage: { m: { output_tokens: "many" } } },
    { status_counts: null },
    { status_counts: { success: 1.5 } },
    { status_counts: { fine: 1 } },
  ];
  for (const summary of summaries) {
    const name = JSON.stringify(summary);
    const batch = [completeOf("a", { summary })];
    const complete = await post(mock, `/v2/${PROJECT}/calls/complete`, { batch });
    assert.equal(complete.status, 422, name);
    assert.equal(complete.json.detail[0].loc[3], "summary", name);
    const end = await post(mock, "/call/end", { end: endOf("a", { summary }) });
    assert.equal(end.status, 422, name);
  }
});

test("mock: an update without a name is 400, an empty one clears it", async () => {
  await using mock = await startMockServer();
  const update = (more: Json) =>
    post(mock, "/call/update", { project_id: PROJECT, call_id: "a", ...more });
  for (const more of [{}, { display_name: null }]) {
    const answer = await update(more);
    assert.equal(answer.status, 400);
    assert.match(answer.json.reason, /display_name/);
  }
  assert.equal((await update({ display_name: "" })).status, 200);
});

test("mock: an object name consists of ASCII word characters, dots and dashes", async () => {
  await using mock = await startMockServer();
  const create = (object_id: string) =>
    post(mock, "/obj/create", { obj: { project_id: PROJECT, object_id, val: 1 } });
  for (const name of ["a", "A.b-c_1", "検索", "x".repeat(128)]) {
    assert.equal((await create(name)).status, 200, name);
  }
  for (const name of ["", "a b", "a/b", "a:b"]) {
    assert.equal((await create(name)).status, 422, name);
  }
  assert.equal((await create("x".repeat(129))).status, 400);
});

test("mock: a nonexistent project is 404 with a reason in every request", async () => {
  await using mock = await startMockServer({ missingProjects: ["missing", "team/closed"] });
  for (const project_id of ["missing/any", "team/closed"]) {
    const writes: [string, unknown][] = [
      [`/v2/${project_id}/calls/complete`, { batch: [completeOf("a", { project_id })] }],
      ["/call/upsert_batch", {
        batch: [{ mode: "start", req: { start: startOf("a", { project_id }) } }],
      }],
      ["/call/update", { project_id, call_id: "a", display_name: "x" }],
      ["/obj/create", { obj: { project_id, object_id: "o", val: 1 } }],
      ["/table/create", { table: { project_id, rows: [] } }],
      ["/feedback/batch/create", {
        batch: [{ project_id, weave_ref: "r", feedback_type: "custom", payload: {} }],
      }],
      ["/calls/stream_query", { project_id }],
      ["/service/projects_info", { project_ids: [project_id] }],
    ];
    for (const [path, body] of writes) {
      const answer = await post(mock, path, body);
      assert.equal(answer.status, 404, path);
      assert.deepEqual(answer.json, { reason: `Project ${project_id} not found` }, path);
    }
    const form = new FormData();
    form.append("project_id", project_id);
    form.append("file", new Blob(["x"]), "x");
    const file = await send(`${mock.url}/files/create`, { method: "POST", body: form });
    assert.equal(file.status, 404);
  }
  assert.equal((await post(mock, "/calls/stream_query", { project_id: PROJECT })).status, 200);
  mock.configure({ missingProjects: [] });
  assert.equal(
    (await post(mock, "/calls/stream_query", { project_id: "missing/any" })).status,
    200,
  );
});

test("mock: an unknown path is 404, another method of a path 405, both with the router's body", async () => {
  await using mock = await startMockServer({ callMode: "old" });
  for (const path of ["/nothing", `/v2/${PROJECT}/calls/complete`, `/v2/${PROJECT}/nothing`]) {
    const answer = await post(mock, path, {});
    assert.equal(answer.status, 404, path);
    assert.deepEqual(answer.json, { detail: "Not Found" }, path);
  }
  const answer = await send(`${mock.url}/call/upsert_batch`);
  assert.equal(answer.status, 405);
  assert.deepEqual(answer.json, { detail: "Method Not Allowed" });
});

test("mock: feedback that was written twice is found twice until the table merges", async () => {
  await using mock = await startMockServer();
  const feedback = {
    id: "mine",
    project_id: PROJECT,
    weave_ref: `weave:///${PROJECT}/call/1`,
    feedback_type: "custom",
    payload: { a: 1 },
  };
  const found = async () =>
    (await post(mock, "/feedback/query", { project_id: PROJECT })).json.result.length;
  await post(mock, "/feedback/create", feedback);
  await post(mock, "/feedback/batch/create", { batch: [feedback] });
  assert.equal(await found(), 2);
  assert.equal(mock.store.feedback(PROJECT).length, 1);
  mock.store.merge();
  assert.equal(await found(), 1);
  await post(mock, "/feedback/create", feedback);
  await post(mock, "/feedback/replace", { ...feedback, id: "new", feedback_id: "mine" });
  assert.equal(await found(), 1, "both rows were replaced");
});

test("mock: ids are UUIDs or those of OpenTelemetry where it asks for that", async () => {
  await using mock = await startMockServer({ anyIds: false });
  const uuid = "01a22968-3f42-7880-a4ff-000000000001";
  const good: Json[] = [
    { id: uuid, trace_id: uuid, parent_id: null },
    { id: "00f067aa0ba902b7", trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", parent_id: uuid },
  ];
  const bad: Json[] = [{ id: "a" }, { id: uuid.toUpperCase() }, { trace_id: "t" }, {
    parent_id: "",
  }];
  const send = (ids: Json) => {
    const batch = [completeOf("x", { id: uuid, trace_id: uuid, ...ids })];
    return post(mock, `/v2/${PROJECT}/calls/complete`, { batch });
  };
  for (const ids of good) assert.equal((await send(ids)).status, 200, JSON.stringify(ids));
  for (const ids of bad) {
    const answer = await send(ids);
    assert.equal(answer.status, 400, JSON.stringify(ids));
    assert.match(answer.json.reason, /^Invalid UUID: /);
  }
});

test("mock: an object's name belongs to one class, regardless of subclasses", async () => {
  await using mock = await startMockServer();
  const create = (val: unknown, object_id = "k") =>
    post(mock, "/obj/create", { obj: { project_id: PROJECT, object_id, val } });
  const typed = (name: string, ...bases: string[]) => ({
    _class_name: name,
    _bases: [...bases, "Object", "BaseModel"],
  });
  assert.equal((await create(typed("A"))).status, 200);
  assert.equal((await create(typed("B", "A"))).status, 200);
  for (const other of [typed("C"), { x: 1 }, "text"]) {
    const answer = await create(other);
    assert.equal(answer.status, 400);
    assert.match(
      answer.json.reason,
      /Cannot publish 'k' as .* already used by a A in this project/,
    );
  }
  assert.equal(
    (await create({ weave_type: { type: "Op" } })).status,
    200,
    "ops have their own names",
  );
  assert.equal((await create({ x: 1 }, "plain")).status, 200);
  assert.equal((await create(typed("A"), "plain")).status, 400);
});

const CALL_REF = `weave:///${PROJECT}/call/1`;
const SCORE = {
  feedback_type: "wandb.runnable.x",
  payload: { output: 1 },
  runnable_ref: `weave:///${PROJECT}/op/x:abc`,
  call_ref: CALL_REF,
};

/** Feedback by type: accepted (`null`) and rejected. */
const FEEDBACK: [Json, RegExp | null][] = [
  [{ feedback_type: "custom", payload: { any: 1 } }, null],
  [{ feedback_type: "custom", payload: {}, call_ref: CALL_REF }, /call_ref is not allowed/],
  [{ feedback_type: "custom", payload: { text: "x".repeat(1024 * 1024) } }, /too large/],
  [{ feedback_type: "wandb.note.1", payload: { note: "n" } }, null],
  [{ feedback_type: "wandb.note.1", payload: {} }, /Invalid payload/],
  [{ feedback_type: "wandb.note.1", payload: { note: "n".repeat(1025) } }, /Invalid payload/],
  [{ feedback_type: "wandb.reaction.1", payload: { emoji: "👍🏽" } }, null],
  [{ feedback_type: "wandb.reaction.1", payload: { emoji: "👩‍💻" } }, null],
  [{ feedback_type: "wandb.reaction.1", payload: { emoji: "👍👍" } }, /exactly one emoji/],
  [{ feedback_type: "wandb.reaction.1", payload: { emoji: "+1" } }, /exactly one emoji/],
  [{ feedback_type: "wandb.reaction.1", payload: {} }, /Invalid payload/],
  [SCORE, null],
  [{ ...SCORE, runnable_ref: null }, /runnable_ref is required/],
  [{ ...SCORE, runnable_ref: `weave:///${PROJECT}/op/y:abc` }, /object with name x/],
  [{ ...SCORE, call_ref: null }, /call_ref is required/],
  [{ ...SCORE, runnable_ref: `weave:///${PROJECT}/object/x:abc`, call_ref: null }, null],
  [{ ...SCORE, payload: {} }, /Invalid payload/],
];

test("mock: feedback is rejected if its type does not have the field", async () => {
  await using mock = await startMockServer();
  for (const [more, reason] of FEEDBACK) {
    const feedback = { project_id: PROJECT, weave_ref: CALL_REF, ...more };
    const answers = [
      await post(mock, "/feedback/create", feedback),
      await post(mock, "/feedback/batch/create", { batch: [feedback] }),
      await post(mock, "/feedback/replace", { ...feedback, feedback_id: "f" }),
    ];
    for (const answer of answers) {
      assert.equal(answer.status, reason ? 400 : 200, JSON.stringify(more).slice(0, 200));
      if (reason) assert.match(answer.json.reason, reason);
    }
  }
});
