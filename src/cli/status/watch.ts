/**
 * `weave-wal status --watch`: the report again and again, with rates.
 *
 * @module
 */

import { type Context, pause, throwIfStopped } from "../context.ts";
import { Rate } from "../terminal/progress.ts";
import { type AdviceOptions, adviseOn } from "./advice.ts";
import { statusJson } from "./json.ts";
import type { StatusReport, StatusReporter } from "./report.ts";
import { type FlowRate, statusText } from "./render.ts";
import type { Output } from "../terminal/terminal.ts";

const CLEAR_SCREEN = "\u001b[2J\u001b[H";
/** Fewest ms between two reports. */
const MIN_MS = 100;

/**
 * Shows the report until the command is asked to end: in place on a terminal, one after the other
 * elsewhere, one line of JSON each with `json`. Never resolves; rejects with `Interrupted`.
 */
export async function watchStatus(
  context: Context,
  reporter: StatusReporter,
  adviceOptions: AdviceOptions,
  everyMs: number,
  json: boolean,
): Promise<never> {
  const { runtime: { clock }, terminal: { out }, stop } = context;
  const flow = new Flow(() => new Rate(clock));
  const draw = await drawerFor(context, json);
  try {
    for (;;) {
      const report = await reporter.report(() => {});
      const advice = adviseOn(report, adviceOptions);
      const rates = flow.update(report);
      throwIfStopped(stop);
      await draw.show(
        json
          ? `${JSON.stringify(statusJson(report, advice))}\n`
          : await statusText(report, advice, out, { rates, ...linesOf(out) }),
      );
      await pause(clock, Math.max(MIN_MS, everyMs), stop);
      throwIfStopped(stop);
    }
  } finally {
    draw.done();
  }
}

/** The last line of a screen is the cursor's. */
function linesOf({ rows }: Output): { lines?: number } {
  return rows === undefined ? {} : { lines: rows - 1 };
}

interface Drawer {
  show(text: string): Promise<void>;
  done(): void;
}

async function drawerFor({ terminal: { out } }: Context, json: boolean): Promise<Drawer> {
  if (json) return { show: (text) => out.write(text), done: () => {} };
  if (!out.isTerminal) return { show: (text) => out.write(`${text}\n`), done: () => {} };
  const { createLogUpdate } = await import("log-update");
  const update = createLogUpdate(out.stream);
  let size = `${out.columns}x${out.rows}`;
  return {
    async show(text) {
      const now = `${out.columns}x${out.rows}`;
      // A terminal of another size has broken the lines of the last picture anew.
      if (now !== size) {
        update.done();
        await out.write(CLEAR_SCREEN);
      }
      size = now;
      update(text.trimEnd());
    },
    done: () => update.done(),
  };
}

interface Seen {
  readonly size: number;
  readonly checkpoint: number;
}

/** Adds up what is written and sent between two reports. */
class Flow {
  readonly #makeRate: () => Rate;
  readonly #projects = new Map<string, {
    seen: Map<string, Seen>;
    written: number;
    sent: number;
    writtenRate: Rate;
    sentRate: Rate;
  }>();

  constructor(makeRate: () => Rate) {
    this.#makeRate = makeRate;
  }

  update({ projects }: StatusReport): Map<string, FlowRate> {
    const rates = new Map<string, FlowRate>();
    for (const { directory, segments } of projects) {
      const now = new Map<string, Seen>(segments.map(({ state }) => [
        state.stem,
        { size: state.size, checkpoint: state.checkpoint.offset },
      ]));
      let flow = this.#projects.get(directory);
      if (!flow) {
        const rate = this.#makeRate;
        flow = { seen: now, written: 0, sent: 0, writtenRate: rate(), sentRate: rate() };
        this.#projects.set(directory, flow);
      }
      for (const [stem, { size, checkpoint }] of now) {
        const before = flow.seen.get(stem) ?? { size: 0, checkpoint: 0 };
        flow.written += Math.max(0, size - before.size);
        flow.sent += Math.max(0, checkpoint - before.checkpoint);
      }
      for (const [stem, { size, checkpoint }] of flow.seen) {
        // A deleted file was delivered to its end.
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
