/**
 * Many processes on one directory, and which of them sent whose records, as seen by the
 * server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import type { JournalEntry } from "../../../tools/mock_server/store/request_log.ts";
import { type Child, type ChildOptions, startChild } from "./child_fixture.ts";
import type { KillPlan } from "../kill/kill_child.ts";
import { KillGround } from "../kill/kill_fixture.ts";

/** A process that writes and sends. */
export interface Member {
  /** Prefix of its record IDs; also its API key. */
  readonly name: string;
  readonly child: Child;
  /** Whether it is PID 1 in its own namespace, a child of the started process. */
  readonly apart: boolean;
  /** Whether it was killed. */
  killed: boolean;
  /** Whether it has exited. */
  over: boolean;
}

/** A directory shared by many processes, and a server. */
export class Crowd {
  readonly ground: KillGround;
  readonly members: Member[] = [];

  private constructor(ground: KillGround) {
    this.ground = ground;
  }

  static async open(): Promise<Crowd> {
    return new Crowd(await KillGround.open("old", false, { journalBodies: true }));
  }

  /** Starts a process that sends slowly: in small batches, each answered after `delayMs`. */
  start(changes: Partial<KillPlan>, child: ChildOptions = {}): Member {
    const plan = this.ground.plan({ calls: 60, size: 200, end: "signal", ...changes });
    const { prefix: name } = plan;
    const options = { batchRecords: 10, ...plan.options };
    const text = JSON.stringify({ ...plan, seed: this.members.length, apiKey: name, options });
    const member = {
      name,
      child: startChild("support/kill/kill_child.ts", text, child),
      apart: child.under !== undefined,
      killed: false,
      over: false,
    };
    void member.child.ended.then(() => member.over = true);
    this.members.push(member);
    return member;
  }

  /** Resolves when `predicate` is true; checked after each request. */
  async until(predicate: () => boolean): Promise<void> {
    await this.ground.mock.waitFor(predicate, { timeout: 150_000 });
  }

  /** Whether the server has every record that these have reported so far. */
  hasAll(members: readonly Member[]): boolean {
    const names = new Set(members.map(({ name }) => name));
    const { calls } = this.ground.mock.store.project("team/project");
    return this.ground.reported().every((line) => {
      const [kind, id] = line.split(" ");
      if (!names.has(id.split("-")[0])) return true;
      const call = kind === "start" || kind === "end" ? calls.get(id) : undefined;
      if (kind === "start") return call?.started_at != null;
      return kind !== "end" || call?.ended_at != null;
    });
  }

  /** Whether the server has any record of this member. */
  hasSome({ name }: Member): boolean {
    return this.ground.mock.store.project("team/project").calls.get(`${name}-0`) !== null;
  }

  /**
   * Sends a signal to the process itself. Deno considers a child ended once it has sent
   * it a signal.
   */
  signal(member: Member, signal: NodeJS.Signals): void {
    if (!member.over) process.kill(member.apart ? firstIn(member) : member.child.pid, signal);
  }

  /** Kills with SIGKILL. */
  async kill(member: Member): Promise<void> {
    this.#end(member);
    await member.child.ended;
    member.killed = true;
  }

  /** Lets all living members, or `members`, finish, and waits for their exit. */
  async finish(members: readonly Member[] = this.members): Promise<void> {
    const living = members.filter(({ killed }) => !killed);
    for (const member of living) this.signal(member, "SIGTERM");
    for (const { child, name } of living) {
      const { errors } = await child.ended;
      const last = child.lines.at(-1) ?? "";
      assert.match(last, /^\{"done":true/, `${name}, whose last line is ${last}: ${errors}`);
    }
  }

  /** Paths of the logs whose writers had this PID in their own namespace. */
  logsOf(pid: number): string[] {
    const left = this.ground.left();
    const tokens = left.filter((path) => path.endsWith(".json")).filter((path) => {
      try {
        return JSON.parse(readFileSync(path, "utf8")).pid === pid;
      } catch {
        return false; // Deleted in the meantime.
      }
    }).map((path) => basename(path, ".json"));
    return left.filter((path) => tokens.some((token) => path.endsWith(`_${token}.jsonl`)));
  }

  /** Resolves when the writer of this log has sent two further heartbeats. */
  async untilHeartbeats(log: string): Promise<void> {
    const token = basename(log, ".jsonl").slice(-32);
    const path = this.ground.left().find((name) => name.endsWith(`${token}.json`))!;
    for (let count = 0; count < 2; count++) {
      const { mtimeMs } = statSync(path);
      await seen(() => statSync(path, { throwIfNoEntry: false })?.mtimeMs !== mtimeMs);
    }
  }

  /** Resolves when a file no longer exists. */
  async untilGone(path: string): Promise<void> {
    await seen(() => !existsSync(path));
  }

  /** Resolves when this member has reported this many further records. */
  async untilReported({ name }: Member, more: number): Promise<void> {
    const count = () => this.ground.reported().filter((line) => line.includes(` ${name}-`)).length;
    const goal = count() + more;
    await seen(() => count() >= goal);
  }

  /** A command prefix that enters the PID namespace of a member. */
  beside(member: Member): string[] {
    return ["nsenter", "--target", String(firstIn(member)), "--pid", "--mount"];
  }

  /** The requests with records of each writer, in order of arrival. */
  requestsByWriter(): Map<string, JournalEntry[]> {
    const requests = new Map<string, JournalEntry[]>();
    for (const entry of this.ground.mock.journal.entries) {
      const writers = new Set(
        [...(entry.body ?? "").matchAll(/"(?:id|name|object_id)":"(child\d+)-/g)].map(([, name]) =>
          name
        ),
      );
      for (const writer of writers) {
        requests.set(writer, [...requests.get(writer) ?? [], entry]);
      }
    }
    return requests;
  }

  /**
   * Asserts that no record was sent by two requests. An attempt that a slow machine did
   * not answer in time is repeated with the same retry ID.
   */
  assertSentOnce(): void {
    const requests = new Map<string, string | null>();
    for (const { path, body = "", retryId } of this.ground.mock.journal.entries) {
      const { batch } = path === "/call/upsert_batch" ? JSON.parse(body) : { batch: [body] };
      for (const item of batch) {
        const record = `${path} ${JSON.stringify(item)}`;
        const before = requests.get(record);
        assert.ok(before === undefined || before === retryId, `Sent twice: ${record}`);
        requests.set(record, retryId);
      }
    }
  }

  /**
   * Asserts that each writer's log had one sender at a time: the next one sends only
   * after the previous one died or, if `mayPass` allows it, lost the log.
   */
  assertOneSenderEach(mayPass: (from: string) => boolean = () => false): void {
    for (const [writer, entries] of this.requestsByWriter()) {
      for (let i = 1; i < entries.length; i++) {
        const [before, now] = [entries[i - 1], entries[i]];
        const [from, to] = [senderOf(before), senderOf(now)];
        if (from === to) continue;
        const member = this.members.find(({ name }) => name === from);
        const isDead = member?.killed &&
          entries.slice(i).every((entry) => senderOf(entry) !== from);
        assert.ok(isDead || mayPass(from), `${to} sent records of ${writer} beside ${from}`);
      }
    }
  }

  /** A process in its own namespace ends with the process that created it. */
  #end({ over, child }: Member): void {
    if (!over) process.kill(child.pid, "SIGKILL");
  }

  async close(): Promise<void> {
    for (const member of this.members) this.#end(member);
    for (const { child } of this.members) await child.ended;
    await this.ground.close();
  }
}

/** Runs `body` with a new crowd, and closes it. */
export async function withCrowd(body: (crowd: Crowd) => Promise<void>): Promise<void> {
  const crowd = await Crowd.open();
  try {
    await body(crowd);
  } finally {
    await crowd.close();
  }
}

/** The sender of a request. */
export function senderOf({ authorization }: JournalEntry): string {
  return atob((authorization ?? "").replace("Basic ", "")).replace("api:", "");
}

/** Polls for a state that causes no request. */
async function seen(predicate: () => boolean): Promise<void> {
  while (!predicate()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const UNSHARE: readonly (readonly string[])[] = [
  ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
  ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"],
];

/** A command prefix that creates a PID namespace; `null` if that is not permitted. */
export const apart: readonly string[] | null = UNSHARE.find(([command, ...args]) => {
  try {
    execFileSync(command, [...args, "true"], { stdio: "ignore" });
    return process.platform === "linux";
  } catch {
    return false;
  }
}) ?? null;

/** The process forked by `unshare`: PID 1 in its namespace. */
function firstIn({ child }: Pick<Member, "child">): number {
  const path = `/proc/${child.pid}/task/${child.pid}/children`;
  return Number(readFileSync(path, "utf8").trim().split(" ")[0]);
}
