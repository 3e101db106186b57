/**
 * The demo's program against the real server: an outage and a kill that lose no call.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { packageFiles } from "../../../tools/demo/package_files.ts";
import { TracedProgram } from "../../../tools/demo/traced_program.ts";
import type { Context, Scenario } from "../scenario.ts";

/** The project of the program in every run. */
const PROJECT = "demo/library";

/** See the module. */
export const demo: Scenario = {
  name: "demo",
  title: "the demo's program, with an outage and a kill",
  each: "runtime and API",
  run: async (context) => {
    const { gate, bench: { server, reader } } = context;
    const stop = new AbortController();
    await server.replace(PROJECT);
    try {
      const first = await start(context, stop.signal);
      await first.ready;
      await first.ask("What is a checkpoint?");
      await gate.shut();
      await first.ask("What is a dead letter?");
      await first.askAndKill("What is a lease?", 5);
      const second = await start(context, stop.signal);
      await second.ready;
      await gate.reopen();
      await second.ask("What is a segment?");
      assert.equal(await second.finish(), 0, second.lastStderr);

      const seen = [...first.seen, ...second.seen];
      await server.merge();
      const calls = await reader.calls(PROJECT);
      const ended = calls.filter(({ ended_at }) => ended_at !== null).map(({ id }) => id);
      assert.equal(
        new Set(calls.map(({ id }) => id)).size,
        calls.length,
        "every call is there once",
      );
      const lost = seen.filter(({ id }) => !ended.includes(id));
      assert.deepEqual(lost, [], "every call that the program saw finish is there");
      assert.deepEqual(gate.reasons, [], "the server refuses nothing");
      return { sent: `${seen.length} calls of two programs`, arrived: `all ${seen.length}` };
    } finally {
      stop.abort();
    }
  },
};

async function start(
  { gate, runtime, directory, api }: Context,
  signal: AbortSignal,
): Promise<TracedProgram> {
  const { command, documents } = await packageFiles(import.meta.url, runtime, directory);
  const own = Object.entries(process.env).filter(([name, value]) =>
    value !== undefined && !/^(WEAVE|WANDB|WF)_/.test(name)
  );
  return new TracedProgram({
    command,
    args: documents,
    cwd: directory,
    env: {
      ...Object.fromEntries(own) as Record<string, string>,
      WEAVE_ENABLE_WAL: "true",
      WF_TRACE_SERVER_URL: gate.url,
      WANDB_API_KEY: "k".repeat(40),
      WEAVE_PRINT_CALL_LINK: "false",
      WEAVE_USE_CALLS_COMPLETE: String(api === "v2"),
    },
    onCall: () => {},
    onStderr: () => {},
    signal,
  });
}
