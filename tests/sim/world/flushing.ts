/**
 * The program in a simulated process waits for its records: it syncs, flushes, retries,
 * finishes and exits, and checks the reported results.
 *
 * @module
 */

import type { FlushResult } from "../../../src/client/pipeline/pipeline.ts";
import type { SimContext } from "./context.ts";
import type { SimRecord } from "./ledger.ts";
import type { SimProcess } from "../process/process.ts";
import { WAL_DIR } from "../process/simulated_pipeline.ts";

/** Virtual ms between the end of `finish` and the end of the process. */
const EXIT_MS = 50;
/** Virtual ms by which a flush may exceed its timeout. */
const SLACK_MS = 2_000;

/** Flushes and finishes for the programs. */
export class Flushing {
  readonly #context: SimContext;

  constructor(context: SimContext) {
    this.#context = context;
  }

  /** Syncs: records appended before must be durable once it resolves. */
  sync(slot: SimProcess): void {
    const before = slot.records.filter(({ accepted, memory }) => accepted && !memory);
    slot.guard(() => slot.pipeline.sync())?.then(
      () => {
        this.#context.trace.add(`p${slot.id} is synced`);
        if (!slot.dead) { for (const record of before) record.synced = true; }
      },
      (error: unknown) => {
        if (!slot.dead && !slot.troubled) slot.threw(error);
      },
    );
  }

  /** Flushes, and checks the result. */
  flush(slot: SimProcess, timeout: number | undefined): void {
    const options = timeout === undefined ? {} : { timeout };
    this.#await(slot, timeout, slot.guard(() => slot.pipeline.flush(options)), () => {});
  }

  /** Finishes and ends the process; `then` is called with the result. */
  finish(
    slot: SimProcess,
    timeout: number | undefined,
    then: (result: FlushResult) => void = () => {},
  ): void {
    if (slot.finishing) return;
    slot.finishing = true;
    const options = timeout === undefined ? {} : { timeout };
    this.#await(slot, timeout, slot.guard(() => slot.pipeline.finish(options)), (result) => {
      if (slot.step.fsync !== "never" && !slot.troubled) {
        for (const record of slot.records) {
          if (record.accepted && !record.memory) record.synced = true;
        }
      }
      then(result);
      if (result.done && slot.step.sender && !slot.troubled) this.#count(slot);
      // Gives the program's other pending work time to complete.
      this.#context.clock.after(EXIT_MS, () => slot.exit());
    });
  }

  /** Reads the counters of a process that has finished; `checker.ts` checks the drops. */
  #count(slot: SimProcess): void {
    const { violate } = this.#context;
    const before = this.#used(slot);
    slot.pipeline.stats().then((stats) => {
      if (slot.dead || slot.troubled) return;
      slot.counted = stats;
      if (stats.pendingRecords !== 0 || stats.pendingBytes !== 0) {
        violate("counters", `process ${slot.id} finished and still counts ${stats.pendingRecords}`);
      }
      const { dropped } = stats;
      const refused = dropped["quota-new"] + dropped["memory-full"] + dropped.closed;
      if (stats.appended + refused !== slot.records.length) {
        violate(
          "counters",
          `process ${slot.id}: ${slot.records.length} came, ${stats.appended} + ${refused} counted`,
        );
      }
      const used = this.#used(slot);
      // Other processes may have written or removed files in between.
      if (stats.disk && used === before && used !== stats.disk.usedBytes) {
        violate("counters", `process ${slot.id} counts ${stats.disk.usedBytes} bytes of ${used}`);
      }
    }, (error) => slot.threw(error));
  }

  /** Size in bytes of the directory of a process's project. */
  #used(slot: SimProcess): number {
    const { ledger } = this.#context;
    const directory = `${WAL_DIR}/e/p${slot.step.project}`;
    return ledger.list(directory).reduce(
      (sum, { name }) => sum + (ledger.bytes(`${directory}/${name}`)?.length ?? 0),
      0,
    );
  }

  /** Retries the dead letters of a process's project. */
  retry(slot: SimProcess, fix: boolean): Promise<void> {
    const { ledger } = this.#context;
    for (const record of ledger.records) {
      if (record.letteredAt === null || record.project !== slot.step.project) continue;
      record.retried = true;
      record.poison &&= !fix;
    }
    const retry = { process: slot, project: slot.step.project };
    ledger.retries.add(retry);
    const over = slot.guard(() => slot.pipeline.retryDeadLetters()) ?? Promise.resolve();
    return over.finally(() => ledger.retries.delete(retry)).then(
      (result) => this.#context.trace.add(`p${slot.id} retried ${JSON.stringify(result)}`),
      (error: unknown) => {
        if (!slot.dead && !slot.suspect) slot.threw(error);
      },
    );
  }

  /** Ends the program normally. */
  exitNaturally(slot: SimProcess): void {
    const limit = this.#limit(slot, this.#context.setup.exitDrainMs, "the normal exit");
    slot.memory.exitNaturally().then(
      () => {
        limit.over();
        slot.exit();
      },
      (error) => slot.threw(error),
    );
  }

  #await(
    slot: SimProcess,
    timeout: number | undefined,
    work: Promise<FlushResult> | undefined,
    then: (result: FlushResult) => void,
  ): void {
    const before = slot.records.filter(({ accepted }) => accepted);
    const limit = this.#limit(slot, timeout, "a flush");
    slot.watch(work, (result) => {
      limit.over();
      if (slot.dead) return;
      this.#context.trace.add(`p${slot.id} flushed ${JSON.stringify(result)}`);
      if (result.done) this.#believe(slot, before);
      then(result);
    });
  }

  /** Checks the records that a flush reports as delivered. */
  #believe(slot: SimProcess, before: readonly SimRecord[]): void {
    for (const record of before) {
      if (record.answered || record.letteredAt !== null || record.excuse !== null) continue;
      if (record.memory && record.refused) continue;
      this.#context.violate(
        "flush",
        `process ${slot.id} got the report that ${record.key} is done`,
      );
      return;
    }
  }

  /**
   * Checks that something ends in time, not counting the time for which the process is
   * suspended.
   */
  #limit(slot: SimProcess, timeout: number | undefined, what: string): { over: () => void } {
    if (timeout === undefined) return { over: () => {} };
    const { clock, setup, violate } = this.#context;
    const timer = clock.after(timeout + SLACK_MS + 50 * setup.diskMs, () => {
      if (!slot.dead && !slot.suspect) violate("flush", `${what} of process ${slot.id} runs over`);
    });
    return { over: () => timer.cancel() };
  }
}
