/**
 * Serves the page of `weave-wal ui` until the command is asked to end.
 *
 * @module
 */

import { isTaken, listen as listenOn } from "../../http_server/listen.ts";
import { toHex } from "../../protocol/digest/hex.ts";
import { type Context, guardedContext, throwIfStopped } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { keyDigestOf, pythonLogs } from "../logs/python_logs.ts";
import { commandSettings } from "../settings.ts";
import { printable } from "../terminal/format.ts";
import { logFilter, type LogFlags } from "../terminal/options.ts";
import { createUi } from "./create_ui.ts";
import { openBrowser } from "./open_browser.ts";

/** Flags of `weave-wal ui`. */
export interface UiFlags extends LogFlags {
  /** 0 selects a free port. */
  readonly port: number;
  /** Opens a browser. */
  readonly open: boolean;
}

/** Serves the page. Never resolves; rejects with `Interrupted`. */
export async function serveUi(unguarded: Context, flags: UiFlags): Promise<void> {
  const settings = commandSettings(unguarded.runtime, flags);
  const root = settings.walDir;
  const python = pythonLogs(unguarded.runtime, settings);
  const context = await guardedContext(unguarded, root, python.pythonRoot);
  const { stop, terminal: { out } } = context;
  const secrets = { token: secret(), openCode: secret() };
  const ui = createUi(context, {
    ...secrets,
    root,
    filter: { ...logFilter(flags, settings), ...python },
    advice: {
      server: settings.serverUrl,
      ...python,
      ...(settings.apiKey === undefined ? {} : { keyDigest: keyDigestOf(settings.apiKey) }),
      ...(flags.dir === undefined ? {} : { dir: flags.dir }),
    },
    keySettings: () => commandSettings(unguarded.runtime, flags, "needed"),
  });
  const listener = await listen(flags.port, async (request) => await ui.app.fetch(request));
  try {
    const origin = `http://127.0.0.1:${listener.port}`;
    await out.write(
      `Logs in ${printable(root)}: ${out.colors.cyan(`${origin}/${secrets.token}/`)}\n`,
    );
    await out.write(`${out.colors.dim("Stop: Ctrl-C")}\n`);
    if (flags.open && !await openBrowser(`${origin}${ui.openPath}`)) {
      await out.write("Cannot start a browser: open the address above\n");
    }
    await aborted(stop);
  } finally {
    await listener.close();
    await ui.close();
  }
  throwIfStopped(stop);
}

async function listen(
  port: number,
  handle: (request: Request) => Promise<Response>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  try {
    return await listenOn({ port, hostname: "127.0.0.1", handle });
  } catch (error) {
    throw new CommandError(
      `Cannot listen on 127.0.0.1:${port}: ${isTaken(error) ? "the port is in use" : error}`,
      { hint: "--port names another one; without it a free one is taken" },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Returns 256 random bits in hex. */
function secret(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(32)));
}
