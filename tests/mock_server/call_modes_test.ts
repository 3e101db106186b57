import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import {
  COMPLETE,
  completeOf,
  endOf,
  post,
  PROJECT,
  startOf,
  upsert,
} from "../support/mock_server/mock_requests.ts";

test("mock: an old server has no v2 paths", async () => {
  await using mock = await startMockServer({ callMode: "old" });
  for (const path of ["calls/complete", "call/start", "call/end"]) {
    assert.equal((await post(mock, `/v2/${PROJECT}/${path}`, {})).status, 404);
  }
  assert.equal((await upsert(mock, [startOf("a")])).status, 200);
});

test("mock: a project whose first calls came through v2 rejects v1", async () => {
  await using mock = await startMockServer();
  await post(mock, COMPLETE, { batch: [completeOf("a")] });
  const refused = await upsert(mock, [startOf("b")]);
  assert.equal(refused.status, 400);
  assert.equal(refused.json.error_code, "CALLS_COMPLETE_MODE_REQUIRED");
  assert.equal(typeof refused.json.reason, "string");
  assert.equal((await post(mock, "/call/start", { start: startOf("b") })).status, 400);
  assert.equal((await post(mock, "/call/end", { end: endOf("b") })).status, 400);
  assert.equal(mock.store.callCount(), 1);

  const other = startOf("c", { project_id: "team/other" });
  assert.equal((await upsert(mock, [other])).status, 200);
});

test("mock: a project whose first calls came through v1 accepts both APIs", async () => {
  await using mock = await startMockServer();
  await upsert(mock, [startOf("a")], [endOf("a")]);
  assert.equal((await post(mock, COMPLETE, { batch: [completeOf("b")] })).status, 200);
  assert.equal((await upsert(mock, [startOf("c")])).status, 200);
  assert.equal(mock.store.callCount(), 3);
});

test("mock: in complete mode every project refuses v1", async () => {
  await using mock = await startMockServer({ callMode: "complete" });
  const refused = await upsert(mock, [startOf("a")]);
  assert.equal(refused.json.error_code, "CALLS_COMPLETE_MODE_REQUIRED");
  assert.equal((await post(mock, COMPLETE, { batch: [completeOf("a")] })).status, 200);
});

test("mock: the call mode can change while the server runs", async () => {
  await using mock = await startMockServer({ callMode: "complete" });
  mock.configure({ callMode: "old" });
  assert.equal((await upsert(mock, [startOf("a")])).status, 200);
});
