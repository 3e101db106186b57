/**
 * `weave-wal status --watch`: repeats the report, with rates.
 *
 * @module
 */

import { escapeControls } from "../../protocol/escape_controls.ts";
import { type Context, pause, throwIfStopped } from "../context.ts";
import { Rate } from "../terminal/progress.ts";
import { type AdviceOptions, adviseOn } from "./advice.ts";
import { statusJson } from "./json.ts";
import type { StatusSource } from "./report.ts";
import { Flow } from "./state/flow.ts";
import { statusText } from "./render.ts";
import type { Output } from "../terminal/terminal.ts";

const CLEAR_SCREEN = "\u001b[2J\u001b[H";
/** Minimum ms between two reports. */
const MIN_MS = 100;

/**
 * Shows the report until the command is asked to end: updated in place on a terminal, otherwise one
 * after the other, with `json` as one line of JSON each. Never resolves; rejects with
 * `Interrupted`.
 */
export async function watchStatus(
  context: Context,
  reporter: StatusSource,
  adviceOptions: AdviceOptions,
  everyMs: number,
  json: boolean,
): Promise<never> {
  const { runtime: { clock }, terminal: { out }, stop } = context;
  const flow = new Flow(clock, () => new Rate(clock));
  const draw = await drawerFor(context, json);
  try {
    for (;;) {
      const report = await reporter.report();
      const advice = adviseOn(report, adviceOptions);
      const rates = await flow.update(report);
      throwIfStopped(stop);
      await draw.show(
        json
          ? escapeControls(`${JSON.stringify(statusJson(report, advice))}\n`)
          : await statusText(report, advice, out, {
            // A stream does not tell what was written and sent between two looks.
            ...(report.unit === "file" ? { rates } : {}),
            ...linesOf(out),
          }),
      );
      await pause(clock, Math.max(MIN_MS, everyMs), stop);
      throwIfStopped(stop);
    }
  } finally {
    draw.done();
  }
}

/** Reserves the last line of the screen for the cursor. */
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
      // A resized terminal has wrapped the lines of the last output differently.
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
