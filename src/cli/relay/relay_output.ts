/**
 * Output of a relay: log lines on standard error, or JSON lines on standard output.
 *
 * @module
 */

import { escapeControls } from "../../protocol/escape_controls.ts";
import type { Context } from "../context.ts";
import { printable } from "../terminal/format.ts";

/** An event. Never contains keys, tokens or traced data. */
export interface RelayEvent {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly name: string;
  readonly message: string;
}

/** Prints events. */
export interface RelayOutput {
  readonly event: (event: RelayEvent) => void;
  /** Resolves when all events are printed. */
  written(): Promise<void>;
}

/** Creates the output of a relay. */
export function relayOutput({ terminal, runtime: { clock } }: Context, json: boolean): RelayOutput {
  const { out, err } = terminal;
  const { dim, yellow, red } = err.colors;
  const paint = { debug: dim, info: dim, warn: yellow, error: red };
  let writing: Promise<unknown> = Promise.resolve();
  return {
    event({ level, name, message }) {
      if (level === "debug") return;
      const at = new Date(clock.now()).toISOString();
      const line = json
        ? escapeControls(JSON.stringify({ at, event: name, level, message }))
        : `${dim(at)} ${paint[level](printable(message))}`;
      // Write in order; ignore a closed output.
      writing = writing.then(() => (json ? out : err).write(`${line}\n`)).catch(() => {});
    },
    async written() {
      await writing;
    },
  };
}
