/**
 * Runs every command, and the library, on logs whose files were replaced by something
 * else.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../../tools/mock_server/serve.ts";
import { cli } from "../../cli/cli.ts";
import { temporary } from "../../cli/cli_support.ts";
import { openLog, writeCalls } from "../../cli/written_logs.ts";
import { withDelivery } from "../../delivery/delivery_fixture.ts";
import { Outside, plant, type Planted } from "./planted_files.ts";

/**
 * Names next to a segment (by its stem), names of directories, and the project's
 * directory itself.
 */
const PLACES = [
  ...["STEM.jsonl", "STEM.lock", "STEM.owner", "STEM.checkpoint", "STEM.claim.1", "STEM.fence"],
  ...[
    "STEM.deadletter",
    "STEM.digests.jsonl",
    "STEM.quarantine",
    ".retry",
    ".quarantine",
    ".recovery",
    ".",
  ],
];
/** Names at the root of all logs, and the directory of an entity. */
const ROOT_PLACES = [
  `.processes/${"a".repeat(32)}.json`,
  ".senders",
  ".known.json",
  ".digests.jsonl",
  ".gitignore",
  "entity",
];
const COMMANDS = [
  ["status"],
  ["inspect"],
  ["dead-letters", "list"],
  ["verify"],
  ["flush", "--timeout"],
  ["verify", "--repair"],
  ["dead-letters", "retry"],
];

/** Writes a segment for each place, in a project of its own or in `project`, and plants there. */
async function plantAll(
  planted: Planted,
  { wal, server, outside, project }: {
    wal: string;
    server: string;
    outside: Outside;
    project?: string;
  },
): Promise<void> {
  const paths: string[] = [];
  for (const [number, place] of PLACES.entries()) {
    const name = project ?? `acme/planted-${number}`;
    const known = new Set(fs.existsSync(join(wal, name)) ? fs.readdirSync(join(wal, name)) : []);
    const log = openLog(wal, name, { server });
    writeCalls(log, name, 2);
    await log.finish();
    const data = fs.readdirSync(join(wal, name))
      .find((file) => file.endsWith(".jsonl") && !known.has(file))!;
    if (project !== undefined && place === ".") continue;
    paths.push(join(wal, name, place.replace("STEM", data.slice(0, -".jsonl".length))));
  }
  for (const path of paths) plant(planted, path, outside);
  for (const place of ROOT_PLACES) plant(planted, join(wal, place), outside);
}

/** Creates a directory outside of the logs with names that the log uses for its files. */
function makeOutside(path: string): Outside {
  const stem = `${"1".padStart(20, "0")}_${"a".repeat(32)}`;
  const names = PLACES.map((place) => place.replace("STEM", stem)).filter((name) => name !== ".");
  return new Outside(path, names);
}

/**
 * Every command ends by itself without reporting a bug; logs without planted files are
 * delivered; nothing outside of the logs changes.
 */
export async function checkCommands(planted: Planted): Promise<void> {
  await using place = await temporary();
  await using mock = await startMockServer();
  const outside = makeOutside(join(place.path, "outside"));
  await plantAll(planted, { wal: place.wal, server: mock.url, outside });
  const healthy = openLog(place.wal, "acme/healthy", { server: mock.url });
  const calls = writeCalls(healthy, "acme/healthy", 2);
  await healthy.finish();
  const env = { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "a-secret-key-0123456789" };
  // A sparse file of records is read to its end, among the others.
  const timeout = planted === "sparse file" ? "15s" : "2s";
  for (const command of COMMANDS) {
    const args = command.at(-1) === "--timeout" ? [...command, timeout] : command;
    const { code, out, err } = await cli(args, { cwd: place.path, env });
    const what = `${args.join(" ")}: ${code}: ${out}${err}`;
    assert.ok(code !== null && code <= 3, what);
    assert.doesNotMatch(err, /Unexpected failure|mistake in weave-wal|bug in weave-wal/, what);
    assert.equal(outside.changes(), null, what);
  }
  const delivered = () => mock.store.calls("acme/healthy").map(({ id }) => id).sort();
  // A busy machine may need longer than the time limit of one command.
  for (let tries = 0; tries < 5 && delivered().length < calls.length; tries++) {
    await cli(["flush", "--timeout", timeout], { cwd: place.path, env });
  }
  assert.deepEqual(delivered(), calls.sort());
}

/** A repair that must move files does not move them through links, wherever these are. */
export async function checkRepair(): Promise<void> {
  await using place = await temporary();
  const outside = makeOutside(join(place.path, "outside"));
  for (const planted of [".retry", ".quarantine", "STEM.deadletter", "STEM.quarantine", "."]) {
    const wal = join(place.path, `wal${planted}`);
    const log = openLog(wal, "acme/corrupt");
    writeCalls(log, "acme/corrupt", 2);
    await log.finish();
    const directory = join(wal, "acme", "corrupt");
    const data = fs.readdirSync(directory).find((file) => file.endsWith(".jsonl"))!;
    const stem = data.slice(0, -".jsonl".length);
    fs.appendFileSync(join(directory, data), "not a record\n");
    fs.writeFileSync(join(directory, `${"2".padStart(20, "0")}_${"b".repeat(32)}.owner`), "{}");
    plant("link to directory", join(directory, planted.replace("STEM", stem)), outside);
    const args = ["verify", "--repair", "--dir", wal];
    const { code, out, err } = await cli(args, { cwd: place.path });
    const what = `${planted}: ${code}: ${out}${err}`;
    assert.ok(code !== null && code <= 3, what);
    assert.equal(outside.changes(), null, what);
  }
}

/** A program in the same project delivers its own records and ends, whatever was planted there. */
export async function checkLibrary(planted: Planted): Promise<void> {
  await withDelivery({}, async (fixture) => {
    const { directory, walDir: wal, mock } = fixture;
    const outside = makeOutside(join(directory, "outside"));
    await plantAll(planted, { wal, server: mock.url, outside, project: "team/project" });
    const pipeline = fixture.open();
    const calls = writeCalls(pipeline, "team/project", 5);
    await mock.waitFor((store) => {
      const delivered = new Set(store.calls("team/project").map(({ id }) => id));
      return calls.every((id) => delivered.has(id));
    }, { timeout: 60_000 });
    await pipeline.finish({ timeout: 1 });
    assert.equal(outside.changes(), null);
  });
}

/**
 * With a link in place of the directory of heartbeats, where old files are deleted, commands refuse
 * the log, a program delivers from memory, and nothing behind the link changes.
 */
export async function checkProcesses(): Promise<void> {
  await withDelivery({}, async (fixture) => {
    const { directory, walDir: wal, mock } = fixture;
    const outside = new Outside(join(directory, "outside"), [`${"a".repeat(32)}.json`]);
    for (const name of [".processes", ".senders"]) {
      plant("link to directory", join(wal, name), outside);
    }
    const pipeline = fixture.open({ requireDisk: false });
    const calls = writeCalls(pipeline, "team/project", 5);
    await mock.waitFor((store) => store.calls("team/project").length === calls.length);
    const { log, diskError } = await pipeline.stats();
    assert.equal(log, "memory");
    assert.match(diskError!.message, /\.processes is a symbolic link/);
    const env = { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "a-secret-key-0123456789" };
    for (const command of COMMANDS) {
      const args = command.at(-1) === "--timeout" ? [...command, "2s"] : command;
      const { code, out, err } = await cli([...args, "--dir", wal], { cwd: directory, env });
      const what = `${args.join(" ")}: ${code}: ${out}${err}`;
      assert.ok(code !== null && code <= 3, what);
      assert.equal(outside.changes(), null, what);
    }
  });
}
