/**
 * The same program with this package and with the vendor's Python client: the server's
 * data is the same in everything that the UI displays.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pythonFolder } from "../packages.ts";
import type { ReadCall } from "../reader.ts";
import type { Scenario } from "../scenario.ts";
import { nameOf } from "./writes.ts";

const OBJECTS = ["string-prompt", "messages-prompt", "set"];

/** B4. */
export const picture: Scenario = {
  name: "picture",
  title: "what the UI shows of a program, compared with Python's",
  each: "runtime and API",
  run: async (context) => {
    const { bench: { server, reader, python }, project } = context;
    await context.run("picture.ts", context.plan());
    const theirs = `${project}-python`;
    const { code, errors } = await context.startCommand(
      [python, join(pythonFolder, "picture.py"), theirs],
      { WEAVE_USE_CALLS_COMPLETE: String(context.api === "v2") },
    ).ended;
    assert.equal(code, 0, errors);
    assert.deepEqual(context.gate.reasons, [], "the server refuses nothing");
    await server.merge();

    const [ours, other] = [await reader.calls(project), await reader.calls(theirs)];
    assert.deepEqual(differences(pictureOf(ours), pictureOf(other)), []);
    const objectsOf = (project: string) =>
      reader.get(...OBJECTS.map((name) => `weave:///${project}/object/${name}:latest`));
    assert.deepEqual(await objectsOf(project), await objectsOf(theirs));
    return {
      sent: "the same program, twice",
      arrived: `${ours.length} calls and ${OBJECTS.length} objects alike`,
    };
  },
};

/** Fields of calls that differ, one line each. */
function differences(ours: readonly Picture[], theirs: readonly Picture[]): string[] {
  if (ours.length !== theirs.length) return [`${ours.length} calls and ${theirs.length}`];
  return ours.flatMap((call, n) =>
    Object.keys(call).map((
      field,
    ): [string, unknown, unknown] => [field, call[field], theirs[n][field]])
      .filter(([, own, other]) => !isDeepStrictEqual(own, other))
      .map(([field, own, other]) =>
        `${field} of ${call.op}: ${JSON.stringify(own)}, Python: ${JSON.stringify(other)}`
      )
  );
}

type Picture = Record<string, unknown>;

/** The calls as displayed by the UI, in order, without what must differ between two runs. */
function pictureOf(calls: readonly ReadCall[]): Picture[] {
  const names = new Map(calls.map((call) => [call.id, nameOf(call)]));
  return calls.map((call) => {
    const { parent_id, display_name, inputs, output, exception, attributes, summary } = call;
    return {
      op: nameOf(call),
      parent: parent_id && names.get(parent_id),
      display_name,
      inputs,
      // Python records no output of a generator; docs/differences.md explains why it is
      // recorded here.
      output: nameOf(call) === "generator" ? null : output,
      exception: exceptionOf(exception),
      attributes: { ...attributes, weave: runtimeOf(attributes.weave) },
      summary: { ...summary, weave: withoutTime(summary.weave) },
    };
  });
}

/** Type, message, and the names in the traceback, whose lines differ by language. */
function exceptionOf(text: string | null): unknown {
  if (text === null) return null;
  const { traceback, ...rest } = JSON.parse(text) as { traceback: Record<string, unknown>[] };
  const fields = new Set(traceback.map((frame) => Object.keys(frame).sort().join()));
  return { ...rest, traceback: [...fields] };
}

/** The names of the recorded client and system properties; docs/differences.md lists `python`. */
function runtimeOf(weave: unknown): unknown {
  const { python: _, ...facts } = weave as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(facts).map((
      [name, value],
    ) => [name, /^os_(name|release)$/.test(name) ? value : "any"]),
  );
}

function withoutTime(weave: unknown): unknown {
  const { latency_ms: _, ...rest } = weave as Record<string, unknown>;
  return rest;
}
