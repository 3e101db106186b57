/**
 * Growth and shrinkage rates of projects' logs.
 *
 * @module
 */

import { Slices } from "../../../runtime/event_loop.ts";
import type { Clock } from "../../../runtime/runtime.ts";
import type { Rate } from "../../terminal/progress.ts";
import type { FlowRate } from "../render.ts";
import type { StatusReport } from "../report.ts";

interface Seen {
  readonly size: number;
  readonly checkpoint: number;
}

/** Computes what was written and sent between two reports. */
export class Flow {
  readonly #makeRate: () => Rate;
  readonly #projects = new Map<string, {
    seen: Map<string, Seen>;
    written: number;
    sent: number;
    writtenRate: Rate;
    sentRate: Rate;
  }>();

  readonly #clock: Clock;

  /** @param makeRate Creates the rate of a project. */
  constructor(clock: Clock, makeRate: () => Rate) {
    this.#clock = clock;
    this.#makeRate = makeRate;
  }

  /** Adds a report, in slices; resolves with the rates by project directory. */
  async update({ projects }: StatusReport): Promise<Map<string, FlowRate>> {
    const slices = new Slices(this.#clock);
    const rates = new Map<string, FlowRate>();
    for (const { directory, segments } of projects) {
      const now = new Map<string, Seen>();
      for (const { state: { stem, size, checkpoint: { offset } } } of segments) {
        if (slices.isOver) await slices.next();
        now.set(stem, { size, checkpoint: offset });
      }
      let flow = this.#projects.get(directory);
      if (!flow) {
        const rate = this.#makeRate;
        flow = { seen: now, written: 0, sent: 0, writtenRate: rate(), sentRate: rate() };
        this.#projects.set(directory, flow);
      }
      for (const [stem, { size, checkpoint }] of now) {
        if (slices.isOver) await slices.next();
        const before = flow.seen.get(stem) ?? { size: 0, checkpoint: 0 };
        flow.written += Math.max(0, size - before.size);
        flow.sent += Math.max(0, checkpoint - before.checkpoint);
      }
      for (const [stem, { size, checkpoint }] of flow.seen) {
        if (slices.isOver) await slices.next();
        // A deleted file was delivered completely.
        if (!now.has(stem)) flow.sent += size - checkpoint;
      }
      flow.seen = now;
      rates.set(directory, {
        written: flow.writtenRate.at(flow.written),
        sent: flow.sentRate.at(flow.sent),
      });
    }
    return rates;
  }
}
