/**
 * A program of the official TypeScript SDK, with the log and without: the server's data
 * is the same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FakeOpenAi, SdkProject } from "../../../tests/support/drop_in/register_fixture.ts";
import type { Context, Scenario } from "../scenario.ts";
import { nameOf } from "./writes.ts";

/** See the module. */
export const register: Scenario = {
  name: "register",
  title: "the official SDK with register, compared with the SDK without it",
  each: "runtime and API",
  run: async (context) => {
    const { bench: { server }, gate, project } = context;
    const plain = `${project}-plain`;
    await runTour(context, plain, {});
    await runTour(context, project, {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_USE_CALLS_COMPLETE: String(context.api === "v2"),
    });
    assert.deepEqual(gate.reasons, [], "the server refuses nothing");
    await server.merge();
    const calls = await callsOf(context, project);
    const others = await callsOf(context, plain);
    assert.deepEqual(
      calls.filter((call) => !others.includes(call)),
      [],
      "calls with register only",
    );
    assert.deepEqual(
      others.filter((call) => !calls.includes(call)),
      [],
      "calls without register only",
    );
    assert.equal(calls.length, others.length);
    const objects = await objectsOf(context, project);
    assert.deepEqual(objects, await objectsOf(context, plain));
    return {
      sent: "the same program, twice",
      arrived: `${calls.length} calls and ${objects.length} objects alike`,
    };
  },
};

async function runTour(
  { gate, runtime }: Context,
  project: string,
  env: Record<string, string>,
): Promise<void> {
  using folder = new SdkProject();
  await using openai = await FakeOpenAi.start();
  const { code, errors } = await folder.run("tour.mjs", {
    runtime,
    env: {
      WF_TRACE_SERVER_URL: gate.url,
      WANDB_BASE_URL: gate.url,
      FAKE_OPENAI: openai.url,
      TOUR_PROJECT: project,
      ...env,
    },
  });
  assert.equal(code, 0, errors);
}

/**
 * A call as returned by the server: Python cannot read what the official SDK publishes as
 * an image.
 */
interface StoredCall {
  readonly id: string;
  readonly op_name: string;
  readonly parent_id: string | null;
  readonly ended_at: string | null;
  readonly [field: string]: unknown;
}

/** The calls of a project as text, unordered, without what must differ between two runs. */
async function callsOf({ bench: { server } }: Context, project: string): Promise<string[]> {
  const lines = await server.post("/calls/stream_query", { project_id: project });
  const calls = lines.trim().split("\n").map((line) => JSON.parse(line) as StoredCall);
  const byId = new Map(calls.map((call) => [call.id, call]));
  return calls.map((call) => neutral(call, byId, project)).sort();
}

function neutral(
  { parent_id, ended_at, ...call }: StoredCall,
  byId: ReadonlyMap<string, StoredCall>,
  project: string,
): string {
  const parent = byId.get(parent_id ?? "");
  let text = JSON.stringify(
    { ...call, parent: parent && nameOf(parent), ended: ended_at !== null },
    // Measured values differ.
    (name, value) => {
      if (/latency|_at$|^trace_id$|^storage_size/.test(name)) return "measured";
      // For calls received through the v2 API, the server returns 0 where there is no
      // value.
      return name.startsWith("wb_run_step") ? value || null : value;
    },
  );
  for (const id of byId.keys()) text = text.replaceAll(id, "ID");
  // The server's digests of refs include internal IDs of the project.
  return text.replaceAll(project, "PROJECT").replace(/:[A-Za-z0-9]{43}(?=["/\\])/g, ":DIGEST");
}

/** Names of a project's objects, one per version. */
async function objectsOf({ bench: { server } }: Context, project: string): Promise<string[]> {
  const { objs } = JSON.parse(await server.post("/objs/query", { project_id: project })) as {
    objs: { object_id: string }[];
  };
  return objs.map(({ object_id }) => object_id).sort();
}
