/**
 * A program of the vendor's Python client and of OpenTelemetry's Python exporter, through a relay and
 * without one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { startRelay } from "../../../tests/support/relay/relay_fixture.ts";
import { run } from "../../test/process.ts";
import { clientEnvironment, pythonFolder } from "../packages.ts";
import type { ReadCall } from "../reader.ts";
import type { Context, Findings, Scenario } from "../scenario.ts";

/** See the module. */
export const relay: Scenario = {
  name: "relay",
  title: "Python and its OTLP exporter through a relay",
  each: "run",
  weight: "slow",
  run: compareRelay,
};

const RUN_LIMIT_MS = 180_000;

/** The data of a project, without names, IDs and times. */
interface Content {
  readonly count: number;
  readonly calls: unknown[];
  readonly values: unknown[];
  readonly feedback: unknown[];
  readonly costs: unknown[];
}

async function compareRelay(context: Context): Promise<Findings> {
  const { bench: { server }, directory, gate, project } = context;
  const names = ["direct", "online", "offline"].map((name) => `${project}-${name}`);
  const [direct, online, offline] = names;
  const uris = new Map([[direct, await write(context, server.url, direct)]]);
  const relay = await startRelay({ server: gate.url, walDir: directory, recovers: true });
  try {
    uris.set(online, await write(context, relay.url, online));
    // Without the server, a program can only start if the project was seen before.
    await python(context, relay.url, offline, "--init");
    await gate.shut();
    uris.set(offline, await write(context, relay.url, offline));
    await gate.reopen();
    for (const log of relay.relay.logs.all()) await log.finish(240_000);
  } finally {
    await relay[Symbol.asyncDispose]();
  }
  assert.deepEqual(gate.reasons, [], "the server refuses nothing");
  await server.merge();
  const contents: Content[] = [];
  for (const name of names) contents.push(await contentOf(context, name, uris.get(name)!));
  const [expected, ...others] = contents;
  assert.ok(expected.count >= 24, `${expected.count} calls`);
  for (const [index, content] of others.entries()) {
    assert.deepEqual(content, expected, names[index + 1]);
  }
  return {
    sent: `${relay.relay.counters.records} records`,
    arrived: `${expected.count} calls, ${expected.values.length} values, three times`,
  };
}

/** Runs the program; returns the URIs of the created objects. */
async function write(context: Context, url: string, project: string): Promise<string[]> {
  const output = await python(context, url, project);
  const last = output.split("\n").findLast((line) => line.startsWith('{"objects"'));
  assert.ok(last, output);
  // Without the server, the program gets a provisional digest, which the server replaces.
  const { objects } = JSON.parse(last) as { objects: string[] };
  return objects.map((uri) => uri.replace(/:[^:]+$/, ":latest"));
}

async function python(
  { bench }: Context,
  url: string,
  project: string,
  ...more: string[]
): Promise<string> {
  const program = join(pythonFolder, "every_write.py");
  const { status, output, ending } = await run(bench.python, [program, project, url, ...more], {
    limitMs: RUN_LIMIT_MS,
    env: clientEnvironment(url),
  });
  assert.equal(status, 0, `${ending}:\n${output}`);
  return output;
}

async function contentOf(
  { bench: { reader } }: Context,
  project: string,
  uris: readonly string[],
): Promise<Content> {
  const calls = await reader.calls(project);
  const plain = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value).replaceAll(project, "PROJECT")
        .replaceAll(project.split("/")[1], "PROJECT")
        .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID")
        // Digests of values with refs include the server's internal ID of the project.
        .replace(/(\/(?:op|object)\/[^:"]+:)[0-9A-Za-z]{43}/g, "$1DIGEST")
        .replace(/(\/id\/)[0-9A-Za-z]{43}/g, "$1DIGEST"),
      withoutChance,
    );
  const children = (parent: string | null): unknown[] =>
    sorted(
      calls.filter(({ parent_id }) => parent_id === parent).map((call) => ({
        ...plain(facts(call)) as object,
        children: children(call.id),
      })),
    );
  const values = await reader.get(...uris);
  const feedback = (await reader.feedback(project)).map(({ id: _, ...item }) => plain(item));
  return {
    count: calls.length,
    calls: children(null),
    values: values.map(plain),
    feedback: sorted(feedback),
    costs: await reader.costs(project),
  };
}

/** Fields that differ between two runs of a program. */
const BY_CHANCE = /^(?:model_latency|trace_id|span_id|parent_id|start_time|end_time)$/;

/** A JSON reviver. */
function withoutChance(this: unknown, key: string, value: unknown): unknown {
  if (BY_CHANCE.test(key) && value !== null) return "by chance";
  if (key === "display_name" && /^eval-/.test(String(value))) return "eval";
  // The text of a function contains its address.
  const { $type } = this as { $type?: unknown };
  return key === "text" && /^(?:function|method)$/.test(String($type)) ? "code" : value;
}

/** A call without what differs between two runs of a program. */
function facts({ started_at, ended_at, ...call }: ReadCall): Record<string, unknown> {
  const { id: _, trace_id: __, parent_id: ___, summary, ...rest } = call;
  const { weave: ____, ...own } = summary as { weave?: unknown };
  return { ...rest, summary: own, ended: ended_at !== null && started_at <= ended_at };
}

function sorted<T>(items: T[]): T[] {
  return items.map((item) => ({ item, text: JSON.stringify(item) }))
    .sort((a, b) => a.text < b.text ? -1 : 1).map(({ item }) => item);
}
