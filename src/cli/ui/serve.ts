/**
 * Serves the page of `weave-wal ui` until the command is asked to end.
 *
 * @module
 */

import { isTaken, listen as listenOn } from "../../http_server/listen.ts";
import { toHex } from "../../protocol/digest/hex.ts";
import { type Context, throwIfStopped } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { type OpenLog, type StoreFlags, withLog } from "../logs/with_log.ts";
import { commandSettings } from "../settings.ts";
import { adviceOptions } from "../status/advice.ts";
import { printable } from "../terminal/format.ts";
import { createUi, type UiOptions } from "./create_ui.ts";
import { openBrowser } from "./open_browser.ts";

/** Flags of `weave-wal ui`. */
export interface UiFlags extends StoreFlags {
  /** 0 selects a free port. */
  readonly port: number;
  /** Opens a browser. */
  readonly open: boolean;
}

/** Serves the page. Never resolves; rejects with `Interrupted`. */
export async function serveUi(unguarded: Context, flags: UiFlags): Promise<void> {
  const keySettings = () => commandSettings(unguarded.runtime, flags, "needed");
  await withLog(unguarded, flags, (log) => serve(log, flags, keySettings));
}

async function serve(
  log: OpenLog,
  flags: UiFlags,
  keySettings: UiOptions["keySettings"],
): Promise<void> {
  const { context, store, filter } = log;
  const { stop, terminal: { out } } = context;
  const secrets = { token: secret(), openCode: secret() };
  const advice = adviceOptions(log, flags);
  const ui = createUi(context, { ...secrets, store, filter, advice, keySettings });
  const listener = await listen(flags.port, async (request) => await ui.app.fetch(request));
  try {
    const origin = `http://127.0.0.1:${listener.port}`;
    await out.write(
      `Logs in ${printable(store.place)}: ${out.colors.cyan(`${origin}/${secrets.token}/`)}\n`,
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
      { hint: "Choose another --port, or omit it for a free one" },
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
