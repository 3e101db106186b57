/**
 * A 404 for a missing route, record or project.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { appendCalls, end, start, withDelivery } from "../../support/delivery/delivery_fixture.ts";
import type { StartOptions } from "../../../tools/mock_server/serve.ts";

for (const useCallsComplete of [true, false]) {
  const api = useCallsComplete ? "v2" : "v1";
  test(`404: a project that the server does not have holds its records, and names it, ${api}`, async () => {
    let ask = (): unknown => undefined;
    const options: StartOptions = {
      callMode: "new",
      missingProjects: ["team/project"],
      onRequest: ({ path }) => path === "/call/read" && ask(),
    };
    await withDelivery(options, async (fixture) => {
      const pipeline = fixture.open({ useCallsComplete });
      appendCalls(pipeline, "a", 5);
      pipeline.append(
        "feedback_create",
        JSON.stringify({
          ...{ project_id: "team/project", id: "f", weave_ref: "weave:///team/project/call/1" },
          ...{ feedback_type: "note", payload: {} },
        }),
      );
      const { message } = await fixture.event("server-blocked");
      assert.match(message, /Project team\/project not found/);
      const { server, deadLettered, pendingRecords } = await pipeline.stats();
      assert.deepEqual([server.state, deadLettered, pendingRecords], ["blocked", 0, 11]);
      await new Promise<void>((resolve) => {
        let left = 6;
        ask = () => --left === 0 && resolve();
      });
      const news = fixture.events.map(({ name }) => name).filter((name) => /^server-/.test(name));
      assert.deepEqual(news, ["server-blocked"], "the state does not change with every request");
      fixture.mock.configure({ missingProjects: [] });
      const result = await pipeline.finish();
      assert.deepEqual([result.done, result.deadLettered], [true, 0]);
      assert.equal(fixture.mock.store.finishedCount("team/project"), 5);
    });
  });

  for (const before of [0, 3]) {
    test(`404: the end of an unknown call is dead-lettered with its reason, ${before} calls before it, ${api}`, async () => {
      await withDelivery({ callMode: "complete" }, async (fixture) => {
        const pipeline = fixture.open({ useCallsComplete });
        appendCalls(pipeline, "a", before);
        await pipeline.flush();
        pipeline.append("call_end", end("orphan"));
        await pipeline.flush();
        appendCalls(pipeline, "b", 20);
        const result = await pipeline.finish();
        assert.deepEqual([result.done, result.deadLettered], [true, 1]);
        assert.equal(fixture.mock.store.finishedCount("team/project"), before + 20);
        const [{ type, error }] = fixture.deadLetters();
        assert.deepEqual([type, error.reason, error.status], ["call_end", "refused", 404]);
        assert.match(String(error.message), /no start found/);
      });
    });
  }
}

test("404: a batch of only ends of unknown calls is dead-lettered too", async () => {
  await withDelivery({ callMode: "complete" }, async (fixture) => {
    const pipeline = fixture.open({ useCallsComplete: true });
    for (let i = 0; i < 5; i++) pipeline.append("call_end", end(`orphan${i}`));
    const result = await pipeline.finish();
    assert.deepEqual([result.done, result.deadLettered], [true, 5]);
  });
});

test("404: a URL at which no route exists holds every record, of any type", async () => {
  await withDelivery({}, async (fixture) => {
    const active = fixture.mock.faults.add({
      path: /^\/(?!health)/,
      status: 404,
      body: { detail: "Not Found" },
    });
    const pipeline = fixture.open({ useCallsComplete: true });
    pipeline.append("obj_create", JSON.stringify({ obj: object("o") }));
    pipeline.append("call_start", start("a"));
    await fixture.event("server-blocked");
    await pipeline.flush({ timeout: 100 });
    assert.equal((await pipeline.stats()).deadLettered, 0);
    active.remove();
    const result = await pipeline.finish();
    assert.deepEqual([result.done, result.deadLettered], [true, 0]);
  });
});

const created = {
  obj_create: { path: "/obj/create", request: { obj: object("o") } },
  feedback_create: {
    path: "/feedback/create",
    request: {
      ...{ project_id: "team/project", id: "f", weave_ref: "weave:///team/project/call/1" },
      ...{ feedback_type: "note", payload: {} },
    },
  },
  call_start: { path: "/call/upsert_batch", request: JSON.parse(start("a")) },
} as const;

for (const [type, { path, request }] of Object.entries(created)) {
  test(`404: a record that was rejected just before its project was created is sent again, ${type}`, async () => {
    await withDelivery({}, async (fixture) => {
      const body = { reason: "Project team/project not found" };
      fixture.mock.faults.add({ path, status: 404, times: 1, body });
      const pipeline = fixture.open({ useCallsComplete: false });
      pipeline.append(type as keyof typeof created, JSON.stringify(request));
      const result = await pipeline.finish();
      assert.deepEqual([result.done, result.deadLettered, result.delivered], [true, 0, 1]);
    });
  });
}

function object(id: string): Record<string, unknown> {
  return { project_id: "team/project", object_id: id, val: 1 };
}
