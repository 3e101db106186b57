/**
 * One round of the kill tests: children that write under load to one directory are
 * killed, sequentially or concurrently; then a sender recovers their logs; then their
 * reports are compared with the server's data.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { CallMode } from "../../../tools/mock_server/options.ts";
import {
  type MockServer,
  startMockServer,
  type StartOptions,
} from "../../../tools/mock_server/serve.ts";
import { type ChildOptions, ownRuntime, startChild } from "../processes/child_fixture.ts";
import { pipelineOptions } from "../delivery/delivery_fixture.ts";
import type { KillPlan } from "./kill_child.ts";
import { isWhole, seeded } from "./kill_records.ts";

const PROJECT = "team/project";

/** Result of a round. */
export interface KillResult {
  /** Number of records and calls that the children reported. */
  readonly reported: number;
  /** Number of killed children. */
  readonly kills: number;
  /** Number of last lines torn by the kills. */
  readonly torn: number;
  /** Number of records that reached the server more than once, without effect. */
  readonly repeated: number;
}

/** A directory, a server, and the reports of the children that wrote there. */
export class KillGround {
  readonly directory: string;
  readonly walDir: string;
  readonly report: string;
  readonly mock: MockServer;
  readonly #useCallsComplete: boolean;
  #children = 0;

  private constructor(mock: MockServer, useCallsComplete: boolean) {
    this.mock = mock;
    this.#useCallsComplete = useCallsComplete;
    this.directory = mkdtempSync(join(tmpdir(), "weave-wal-kill-"));
    this.walDir = join(this.directory, "wal");
    this.report = join(this.directory, "report");
  }

  /** @param useCallsComplete Whether all writers send complete calls. */
  static async open(
    callMode: CallMode,
    useCallsComplete = true,
    options: StartOptions = { journalSize: 0 },
  ): Promise<KillGround> {
    return new KillGround(await startMockServer({ callMode, ...options }), useCallsComplete);
  }

  /** The plan of the next child, overridden by `changes`. */
  plan(changes: Partial<KillPlan>): KillPlan {
    return {
      walDir: this.walDir,
      serverUrl: this.mock.url,
      report: this.report,
      prefix: `child${this.#children++}`,
      seed: 1,
      way: "records",
      calls: 2_000,
      size: 2_000_000,
      end: "wait",
      ...changes,
      options: { useCallsComplete: this.#useCallsComplete, ...changes.options },
    };
  }

  /** Sends what is left, from this process. */
  async recover(): Promise<void> {
    const useCallsComplete = this.#useCallsComplete;
    const pipeline = openPipeline(
      pipelineOptions(this.walDir, this.mock.url, { useCallsComplete }),
    );
    await pipeline.flush({ timeout: 60_000 });
    // A file whose creation was interrupted does not name its writer, and must be watched
    // for a while. An incomplete sender status file is removed when this sender ends.
    for (let tries = 0; tries < 60 && this.left().some(isHalfMade); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const result = await pipeline.finish({ timeout: 60_000 });
    assert.equal(result.done, true, `recovery ends: ${JSON.stringify(result)}`);
  }

  /** Compares the children's reports with the server's data, and checks the directory. */
  compare(kills: number): KillResult {
    const { store } = this.mock;
    const project = store.project(PROJECT);
    const files = new Set([...project.files.values()].map(({ name }) => name));
    const has: Record<string, (id: string) => boolean> = {
      start: (id) => project.calls.get(id)?.started_at != null,
      end: (id) => project.calls.get(id)?.ended_at != null,
      call: (id) => {
        const call = project.calls.get(id);
        return call?.started_at != null && call.ended_at != null;
      },
      feedback: (id) => project.feedback.has(id),
      object: (id) => store.object(PROJECT, id) !== null,
      file: (id) => files.has(id),
    };
    const reported = this.reported();
    const lost = reported.filter((line) => {
      const [kind, id] = line.split(" ");
      return !has[kind](id);
    });
    const some = lost.slice(0, 3).join(", ");
    assert.equal(lost.length, 0, `${lost.length} of ${reported.length} are lost: ${some}`);
    // A complete call may be repeated as its start and its end, whose bytes differ.
    if (!this.#useCallsComplete && this.mock.behavior.callMode === "old") {
      assert.equal(store.counts.conflicts, 0, "nothing changed when it was sent again");
    }
    assert.equal(store.counts.orphanEnds, 0, "no end was sent before its start");
    for (const { id, inputs, output } of project.calls.list()) {
      assert.ok(isOwn(id, inputs), `inputs of ${id} are unchanged`);
      assert.ok(output === null || isOwn(id, output), `output of ${id} is unchanged`);
    }
    const { duplicateStarts, duplicateEnds, duplicateCompletes, duplicateFeedback } = store.counts;
    return {
      reported: reported.length,
      kills,
      torn: this.#checkDirectory(kills),
      repeated: duplicateStarts + duplicateEnds + duplicateCompletes + duplicateFeedback,
    };
  }

  /** Number of records on the server. */
  stored(): number {
    const { calls, feedback, files, objects } = this.mock.store.project(PROJECT);
    let count = feedback.size + files.size + objects.size;
    for (const { started_at, ended_at } of calls.list()) {
      count += (started_at == null ? 0 : 1) + (ended_at == null ? 0 : 1);
    }
    return count;
  }

  /** The complete lines of the report: a kill may have torn the last one. */
  reported(): string[] {
    let text = "";
    try {
      text = readFileSync(this.report, "utf8");
    } catch {
      return [];
    }
    return text.split("\n").slice(0, -1);
  }

  /** Only the lines torn by the kills may be left. */
  #checkDirectory(kills: number): number {
    assert.deepEqual(this.#unfinished(), [], "the directory is empty");
    const entries = this.left().filter((path) => path.endsWith(".deadletter")).flatMap((path) =>
      readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line))
    );
    for (const { error } of entries) assert.equal(error.reason, "torn", JSON.stringify(error));
    assert.ok(entries.length <= kills, `${entries.length} torn lines by ${kills} kills`);
    return entries.length;
  }

  #unfinished(): string[] {
    return this.left().filter((path) => !/\.(deadletter|quarantine|gitignore)$/.test(path));
  }

  /** Paths of all files below the log's directory. */
  left(): string[] {
    try {
      return readdirSync(this.walDir, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ parentPath, name }) => join(parentPath, name));
    } catch {
      return [];
    }
  }

  async close(): Promise<void> {
    await this.mock.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether a kill fell between the creation of a file and its first write, or its removal. */
function isHalfMade(path: string): boolean {
  if (/\.(probe|tmp)$/.test(path)) return true;
  return /\.(lock|claim\.\d+)$/.test(path) && statSync(path, { throwIfNoEntry: false })?.size === 0;
}

/** Whether a value belongs to the call `id`: the outputs of ops contain it. */
function isOwn(id: string, value: unknown): boolean {
  if (id.startsWith("child")) return isWhole(id, value);
  return !Object.hasOwn(value as object, "id") || (value as { id: string }).id === id;
}

/** Runs one round determined by `seed`, except for the times at which signals arrive. */
export async function killRound(
  seed: number,
  runtimes: readonly ChildOptions[] = [{ runtime: ownRuntime }],
): Promise<KillResult> {
  const random = seeded(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)];
  const ground = await KillGround.open(pick(["old", "new", "complete"]), random() < 0.5);
  try {
    if (random() < 0.3) ground.mock.faults.add({ loseReply: true, times: pick([1, 2, 3]) });
    if (random() < 0.3) ground.mock.faults.add({ status: 503, times: pick([1, 5, 20]) });
    const kills = pick([1, 1, 2, 3]);
    const life = async (): Promise<void> => {
      const plan = ground.plan({
        seed: Math.floor(random() * 2 ** 32),
        way: pick(["records", "records", "ops"]),
        options: {
          sender: random() < 0.8,
          fsync: pick(["interval", "always", "never"]),
          segmentBytes: pick([20_000, 500_000, 64 * 1024 * 1024]),
          batchRecords: pick([10, 1_000]),
        },
      });
      const age = random() ** 2 * 400;
      const child = startChild("support/kill/kill_child.ts", JSON.stringify(plan), pick(runtimes));
      // Some are killed during startup: while they create a log or claim an older one.
      await Promise.race([child.line("started"), child.ended]);
      await new Promise((resolve) => setTimeout(resolve, age));
      child.kill("SIGKILL");
      const { signal, errors } = await child.ended;
      assert.equal(signal, "SIGKILL", errors);
    };
    // Concurrent children also claim each other's logs, and die while they send them.
    if (random() < 0.4) await Promise.all(Array.from({ length: kills }, life));
    else for (let kill = 0; kill < kills; kill++) await life();
    await ground.recover();
    return ground.compare(kills);
  } catch (error) {
    const left = ground.left().join("\n");
    throw new Error(`Kill round failed, seed: ${seed} (${(error as Error).message})\n${left}`, {
      cause: error,
    });
  } finally {
    await ground.close();
  }
}

/** Runs rounds with successive seeds, a few at a time, and sums up the results. */
export async function killRounds(
  rounds: number,
  firstSeed: number,
  atOnce: number,
  runtimes?: readonly ChildOptions[],
): Promise<KillResult> {
  const total = { reported: 0, kills: 0, torn: 0, repeated: 0 };
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < rounds && failures.length === 0) {
      try {
        const result = await killRound(firstSeed + next++, runtimes);
        total.reported += result.reported;
        total.kills += result.kills;
        total.torn += result.torn;
        total.repeated += result.repeated;
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
  return total;
}
