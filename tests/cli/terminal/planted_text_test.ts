/**
 * Text in planted files that would control a terminal.
 *
 * @module
 */

import assert from "node:assert/strict";
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { cli } from "../../support/cli/cli.ts";
import { changePresence } from "../../support/cli/cli_processes.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const SLOW = { timeout: 120_000 };
/** A color, a title, a cleared screen as one character, and text that is shown backwards. */
const EVIL = "\u001b[31m\u001b]0;title\u0007\u009b2J\u202e";
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

const COMMANDS = [
  ["status"],
  ["inspect"],
  ["inspect", "--tree"],
  ["inspect", "--tree", "--values"],
  ["verify"],
  ["dead-letters", "list"],
  ["dead-letters", "list", "--all"],
  ["dead-letters", "show", "1"],
  ["dead-letters", "show", "2"],
  ["status", "--fail-if-blocked"],
];
/** Commands whose output is data. */
const DATA = [
  ["status", "--json"],
  ["status", "--openmetrics"],
  ["inspect", "--json"],
  ["inspect", "--tree", "--json"],
  ["verify", "--json"],
  ["dead-letters", "list", "--json"],
  ["dead-letters", "list", "--all", "--json"],
  ["dead-letters", "show", "1", "--json"],
  ["dead-letters", "show", "2", "--json"],
  ["dead-letters", "export"],
];

/** Creates logs with such text in every place; a raw control character is not even JSON. */
async function plantText(wal: string): Promise<void> {
  const log = openLog(wal, "acme/chat", { server: `http://${EVIL}.example` });
  writeCalls(log, "acme/chat", 2);
  await log.finish();
  changePresence(wal, {
    pid: 1,
    host: EVIL,
    ended: false,
    sender: true,
    state: "blocked",
    reason: EVIL,
    log: {
      entity: "acme",
      project: "chat",
      dropped: { [EVIL]: 3 },
      diskError: { message: EVIL },
      syncError: { message: EVIL },
      kind: "memory",
    },
  });
  const directory = join(wal, "acme/chat");
  const data = readdirSync(directory).find((name) => name.endsWith(".jsonl"))!;
  const start = {
    project_id: "acme/chat",
    id: "planted",
    trace_id: EVIL,
    op_name: `weave:///acme/chat/op/${EVIL}:1`,
    started_at: "2026-01-01T00:00:00.000000Z",
    attributes: {},
    inputs: { [EVIL]: EVIL },
  };
  const escaped = JSON.stringify({ type: "call_start", req: { start } });
  const raw = escaped.replaceAll(JSON.stringify(EVIL).slice(1, -1), EVIL);
  appendFileSync(join(directory, data), `${escaped}\n${raw}\n`);
  const error = { reason: EVIL, message: EVIL, at: EVIL, offset: 0, length: 2 };
  const deadLetter = (id: string) =>
    JSON.stringify({ type: "call_end", req: { end: { id } }, error });
  writeFileSync(
    join(directory, data.replace(".jsonl", ".deadletter")),
    `${deadLetter("x").replace('"x"', `"${EVIL}"`)}\n${deadLetter("\u009b2J\u202e")}\n`,
  );
}

test("planted text: what the commands print cannot move the cursor or set colors", async () => {
  await using place = await temporary();
  await plantText(place.wal);
  for (const args of COMMANDS) {
    const { out, err } = await cli(args, { cwd: place.path });
    assert.doesNotMatch(out + err, CONTROLS, args.join(" "));
  }
}, SLOW);

test("planted text: settings of a planted weave.jsonc are shown with escapes", async () => {
  const text = "\u001b[31m\u009b2J\u202e";
  const env = { WANDB_API_KEY: "key", WEAVE_WAL_DIR: "" };
  const files: Record<string, unknown>[] = [
    { [text]: 1 },
    { lingerMs: text },
    { serverUrl: `http://${text}` },
    { walDir: text },
    { fsync: text },
  ];
  for (const file of files) {
    await using place = await temporary();
    writeFileSync(join(place.path, "weave.jsonc"), JSON.stringify(file));
    for (const args of [["status"], ["flush"], ["verify"], ["inspect"]]) {
      const { out, err } = await cli(args, { cwd: place.path, env });
      assert.doesNotMatch(out + err, CONTROLS, `${JSON.stringify(file)} ${args}: ${out}${err}`);
    }
  }
}, SLOW);

test("planted text: data on a terminal cannot either, and is the same JSON", async () => {
  await using place = await temporary();
  await plantText(place.wal);
  for (const args of DATA) {
    const shown = startInTerminal(args, { cwd: place.path });
    await shown.ended;
    // Deno clears its own progress first. Titles and the other characters are not removed.
    const text = plain(shown.out());
    assert.ok(text.length > 0, args.join(" "));
    assert.doesNotMatch(text, CONTROLS, args.join(" "));
    if (args[0] !== "inspect" && args[1] !== "export") continue;
    for (const line of text.trim().split("\n")) JSON.parse(line);
  }
}, { ...SLOW, skip: noTerminal });

test("planted text: data in a pipe has the bytes of the log", async () => {
  await using place = await temporary();
  await plantText(place.wal);
  for (const args of [["inspect", "--json"], ["dead-letters", "export"]]) {
    const { out } = await cli(args, { cwd: place.path });
    assert.ok(out.includes(EVIL), args.join(" "));
  }
}, SLOW);
