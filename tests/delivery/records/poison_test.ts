/**
 * Records that the server never accepts, whatever its response, in contrast to outages.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import type { RecordType } from "../../../src/protocol/record_types.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { appendCalls, end, start } from "../../support/delivery/delivery_fixture.ts";
import { readReply, replyTo } from "../../support/delivery/fake_replies.ts";
import { seeded } from "../../support/kill/kill_records.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";

const MARK = "poison";
const HOUR = 3_600_000;

/** The server's response to a marked request. */
type Failure = () => Response | Error | Promise<Response>;

const FAILURES: Record<string, Failure> = {
  "HTTP 500": () => new Response('{"reason":"Internal server error"}', { status: 500 }),
  "HTTP 500 with a page": () => new Response("<html>", { status: 500 }),
  "a torn connection": () => new TypeError("terminated"),
  "HTTP 502": () => new Response("", { status: 502 }),
  "HTTP 503": () => new Response("{}", { status: 503 }),
  "HTTP 504": () => new Response("", { status: 504 }),
  "HTTP 429": () => new Response("{}", { status: 429 }),
  "HTTP 403 with a page": () => new Response("<html>blocked</html>", { status: 403 }),
  "a 200 with a page": () => new Response("<html>blocked</html>"),
  "a 200 with half of a response": () => new Response('{"res":['),
  "HTTP 404 without a reason": () => new Response("", { status: 404 }),
  "HTTP 400": () => new Response('{"reason":"no"}', { status: 400 }),
  "HTTP 404 with a reason": () => new Response('{"reason":"not found"}', { status: 404 }),
  "HTTP 409": () => new Response('{"reason":"conflict"}', { status: 409 }),
  "HTTP 413": () => new Response('{"reason":"too large"}', { status: 413 }),
};

/** A program on a virtual clock, and a server that accepts everything except marked records. */
class Scene {
  readonly world = new LogWorld();
  readonly taken: string[] = [];
  writes = 0;
  /** Response to every request during an outage. */
  outage: Failure | null = null;

  constructor(readonly fail: Failure, readonly healthy = true) {}

  readonly fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname;
    const read = readReply(path);
    if (read !== null && (this.healthy || !this.outage)) return new Response(read);
    if (this.outage) return await settled(this.outage());
    this.writes++;
    const body = await new Response(init!.body).text();
    if (body.includes(MARK)) return await settled(this.fail());
    this.taken.push(body);
    return new Response(replyTo(path));
  };

  open(changes: Partial<PipelineOptions> = {}) {
    const runtime = this.world.process();
    const options = { fetch: this.fetch, random: seeded(3), retryMaxMs: 300_000, ...changes };
    return { runtime, pipeline: openPipeline(this.world.options(runtime, options)) };
  }

  has(text: string): boolean {
    return this.taken.some((body) => body.includes(text));
  }

  deadLetters() {
    return this.world.names().filter((name) => name.endsWith(".deadletter")).flatMap((name) =>
      new TextDecoder().decode(this.world.disk.bytes(`${PROJECT}/${name}`)).trim().split("\n")
        .map((line) => JSON.parse(line))
    );
  }
}

async function settled(result: Response | Error | Promise<Response>): Promise<Response> {
  if (result instanceof Error) throw result;
  return await result;
}

for (const [what, fail] of Object.entries(FAILURES)) {
  for (const useCallsComplete of [true, false]) {
    const api = useCallsComplete ? "v2" : "v1";
    test(`poison: ${what} for one call of many, ${api}: the others arrive, it is dead-lettered`, async () => {
      const scene = new Scene(fail);
      const { runtime, pipeline } = scene.open({ useCallsComplete });
      appendCalls(pipeline, "a", 20);
      pipeline.append("call_start", start("bad", MARK));
      pipeline.append("call_end", end("bad", MARK));
      appendCalls(pipeline, "b", 20);
      // Provides the successful requests that some decisions wait for, as a running
      // program does.
      let rounds = 0;
      for (; rounds < 60 && scene.deadLetters().length < 2; rounds++) {
        await scene.world.clock.elapse(20_000);
        appendCalls(pipeline, `more${rounds}-`, 1);
      }
      await scene.world.clock.elapse(60_000);
      const { pendingRecords } = await pipeline.stats();
      assert.equal(pendingRecords, 0);
      const last = `more${rounds - 1}-0`;
      for (const id of ["a0", "a19", "b0", "b19", last]) assert.ok(scene.has(`"${id}"`), id);
      const deadLetters = scene.deadLetters();
      assert.deepEqual(deadLetters.map(({ type }) => type), ["call_start", "call_end"]);
      for (const { error } of deadLetters) {
        assert.equal(error.reason, "refused");
        const status = /HTTP (\d+)/.exec(what)?.[1] ?? /a (200)/.exec(what)?.[1];
        assert.equal(error.status, status && Number(status));
        assert.ok(error.message.length > 0);
        if (!/40[049]\b.*reason|HTTP 4(00|09|13)/.test(what)) assert.ok(error.attempts >= 5, what);
      }
      await pipeline.finish();
      runtime.exit();
    });
  }
}

const project_id = "team/project";
const ref = `weave:///${project_id}/call/1`;
/** A valid and a marked request of every type other than calls. */
const OTHERS: Partial<Record<RecordType, (name: string) => unknown>> = {
  obj_create: (object_id) => ({ obj: { project_id, object_id, val: 1 } }),
  table_create: (name) => ({ table: { project_id, rows: [{ name }] } }),
  table_update: (name) => ({ project_id, base_digest: name, updates: [] }),
  table_create_from_digests: (name) => ({ project_id, row_digests: [name] }),
  file_create: (name) => ({ project_id, name, content: name }),
  feedback_create: (id) => ({ project_id, id, weave_ref: ref, feedback_type: "n", payload: {} }),
  feedback_replace: (id) => ({
    ...{ project_id, id, feedback_id: "f", weave_ref: ref },
    ...{ feedback_type: "n", payload: {} },
  }),
  cost_create: (name) => ({ project_id, costs: { [name]: {} } }),
  call_update: (call_id) => ({ project_id, call_id, display_name: "n" }),
  calls_delete: (id) => ({ project_id, call_ids: [id] }),
};

for (const what of ["HTTP 500", "a torn connection"]) {
  test(`poison: ${what} for a record of every type that is not a call`, async () => {
    const scene = new Scene(FAILURES[what]);
    const { runtime, pipeline } = scene.open();
    for (const [type, make] of Object.entries(OTHERS)) {
      for (const name of [`before-${type}`, `${MARK}-${type}`, `${MARK}-again-${type}`]) {
        pipeline.append(type as RecordType, JSON.stringify(make(name)));
      }
    }
    for (const [type, make] of Object.entries(OTHERS)) {
      pipeline.append(type as RecordType, JSON.stringify(make(`after-${type}`)));
    }
    await scene.world.clock.elapse(20 * 60_000);
    assert.equal((await pipeline.stats()).pendingRecords, 0);
    for (const type of Object.keys(OTHERS)) {
      assert.ok(scene.has(`before-${type}`) && scene.has(`after-${type}`), type);
    }
    const types = Object.keys(OTHERS);
    assert.deepEqual(
      scene.deadLetters().map(({ type }) => type).sort(),
      [...types, ...types].sort(),
    );
    await pipeline.finish();
    runtime.exit();
  });

  test(`poison: ${what} for the only record there is: dead-lettered while the server is healthy`, async () => {
    const scene = new Scene(FAILURES[what]);
    const { runtime, pipeline } = scene.open();
    pipeline.append("obj_create", JSON.stringify(OTHERS.obj_create!(MARK)));
    await scene.world.clock.elapse(5_000);
    assert.equal((await pipeline.stats()).deadLettered, 0, "not at once");
    await scene.world.clock.elapse(85_000);
    const { deadLettered, server } = await pipeline.stats();
    assert.deepEqual([deadLettered, server.state], [1, "up"]);
    await pipeline.finish();
    runtime.exit();
  });
}

test("poison: several poison records in one batch and in several logs are all found", async () => {
  const scene = new Scene(FAILURES["HTTP 500"]);
  for (let log = 0; log < 5; log++) {
    const { runtime, pipeline } = scene.open({ sender: false });
    for (let i = 0; i < 30; i++) {
      const text = i % 10 === log ? MARK : "fine";
      pipeline.append("call_start", start(`c${log}-${i}`, text));
      pipeline.append("call_end", end(`c${log}-${i}`));
    }
    await pipeline.finish();
    runtime.exit();
  }
  const { runtime, pipeline } = scene.open();
  await scene.world.clock.elapse(10 * 60_000);
  assert.equal((await pipeline.stats()).pendingRecords, 0);
  // An end is sent even if its start was rejected: the v1 batch API accepts it.
  assert.equal(scene.deadLetters().filter(({ type }) => type === "call_start").length, 15);
  for (let i = 0; i < 30; i++) assert.ok(i % 10 === 2 || scene.has(`"c2-${i}"`));
  await pipeline.finish();
  runtime.exit();
});

const OUTAGES: Record<string, { outage: Failure; healthy: boolean }> = {
  "nothing responds": { outage: () => new TypeError("fetch failed"), healthy: false },
  "HTTP 500 to everything": { outage: FAILURES["HTTP 500"], healthy: false },
  "HTTP 503 to everything": { outage: FAILURES["HTTP 503"], healthy: false },
  "HTTP 401 to everything": { outage: () => new Response("{}", { status: 401 }), healthy: false },
  "a page to everything": { outage: FAILURES["a 200 with a page"], healthy: false },
  "HTTP 503 to writes": { outage: FAILURES["HTTP 503"], healthy: true },
  "HTTP 429 to writes": { outage: FAILURES["HTTP 429"], healthy: true },
  "HTTP 502 to writes": { outage: FAILURES["HTTP 502"], healthy: true },
};

for (const [what, { outage, healthy }] of Object.entries(OUTAGES)) {
  for (const useCallsComplete of [true, false]) {
    const api = useCallsComplete ? "v2" : "v1";
    test(`outage: ${what} for an hour dead-letters nothing, ${api}`, async () => {
      const scene = new Scene(outage, healthy);
      scene.outage = outage;
      const { runtime, pipeline } = scene.open({ useCallsComplete });
      appendCalls(pipeline, "a", 30);
      for (const [type, make] of Object.entries(OTHERS)) {
        pipeline.append(type as RecordType, JSON.stringify(make(`other-${type}`)));
      }
      await scene.world.clock.elapse(HOUR);
      assert.equal((await pipeline.stats()).deadLettered, 0);
      scene.outage = null;
      await scene.world.clock.elapse(10 * 60_000);
      const { pendingRecords, deadLettered } = await pipeline.stats();
      assert.deepEqual([pendingRecords, deadLettered], [0, 0]);
      for (let i = 0; i < 30; i++) assert.ok(scene.has(`"a${i}"`));
      for (const type of Object.keys(OTHERS)) assert.ok(scene.has(`other-${type}`), type);
      await pipeline.finish();
      runtime.exit();
    });
  }
}

test("outage: an outage during the isolation of a poison record affects no other record", async () => {
  for (let after = 0; after < 12; after += 2) {
    const scene = new Scene(FAILURES["HTTP 500"]);
    let writes = 0;
    const fetch: Fetch = async (url, init) => {
      if (readReply(new URL(url).pathname) === null && ++writes === after + 2) {
        scene.outage = FAILURES["HTTP 500"];
      }
      return await scene.fetch(url, init);
    };
    const { runtime, pipeline } = scene.open({ fetch, useCallsComplete: true });
    appendCalls(pipeline, "a", 20);
    pipeline.append("call_start", start("bad", MARK));
    pipeline.append("call_end", end("bad"));
    appendCalls(pipeline, "b", 20);
    await scene.world.clock.elapse(HOUR / 2);
    const during = scene.deadLetters().filter(({ req }) => !JSON.stringify(req).includes("bad"));
    assert.deepEqual(during, [], `the outage begins at write ${after + 2}`);
    scene.outage = null;
    await scene.world.clock.elapse(HOUR / 2);
    assert.equal((await pipeline.stats()).pendingRecords, 0);
    for (const id of ["a0", "a19", "b0", "b19"]) assert.ok(scene.has(`"${id}"`), id);
    await pipeline.finish();
    runtime.exit();
  }
});

for (const rate of [0.1, 0.3, 0.5]) {
  test(`outage: a server that fails ${rate * 100} % of all writes at random dead-letters nothing`, async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const scene = new Scene(FAILURES["HTTP 500"]);
      const random = seeded(seed);
      const fetch: Fetch = async (url, init) => {
        const isWrite = readReply(new URL(url).pathname) === null;
        if (!isWrite || random() >= rate) return await scene.fetch(url, init);
        if (random() < 0.5) throw new TypeError("terminated");
        return new Response("{}", { status: random() < 0.5 ? 500 : 503 });
      };
      const { runtime, pipeline } = scene.open({ fetch, batchRecords: 20 });
      for (let round = 0; round < 10; round++) {
        appendCalls(pipeline, `r${round}-`, 20);
        for (let i = 0; i < 5; i++) {
          const name = `${round}-${i}`;
          pipeline.append("obj_create", JSON.stringify(OTHERS.obj_create!(name)));
          pipeline.append("call_update", JSON.stringify(OTHERS.call_update!(name)));
        }
        await scene.world.clock.elapse(10_000);
      }
      await scene.world.clock.elapse(HOUR / 2);
      const { pendingRecords, deadLettered } = await pipeline.stats();
      assert.deepEqual([pendingRecords, deadLettered], [0, 0], `seed ${seed}`);
      await pipeline.finish();
      runtime.exit();
    }
  });
}
