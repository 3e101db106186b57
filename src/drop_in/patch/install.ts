/**
 * Makes every client of the official SDK durable, in all copies of it that this process loads.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { intercepting } from "../intercept/intercept.ts";
import { Attachments, fillsQueue, replaceQueue, sayWindow } from "./sdk_client.ts";
import type { SdkLogs } from "../logs/sdk_logs.ts";
import { type SdkExports, watchModules } from "./sdk_modules.ts";
import { withStandInKey } from "./stand_in_key.ts";

/** Installs both levels: the host's `fetch` and the SDK's own methods. */
export function install(logs: SdkLogs): void {
  const attachments = new Attachments(logs);
  const { fetch } = globalThis;
  const recording = intercepting(logs, fetch, {
    trusted: false,
    onCallRequest: () =>
      sayWindow(logs, "a copy of weave that was not loaded as a CommonJS package"),
  });
  // A proxy keeps what hosts and others hang on the function.
  globalThis.fetch = new Proxy(fetch, {
    apply: (_target, _self, [input, init]) => recording(input, init),
  });
  const done = new WeakSet<object>();
  watchModules((exports, path) => {
    const { WeaveClient, init, setGlobalClient } = exports;
    if (WeaveClient && once(done, WeaveClient)) {
      if (fillsQueue(WeaveClient.prototype)) {
        replaceQueue(WeaveClient.prototype, attachments.logOf);
      } else sayWindow(logs, `weave ${versionOf(logs, path)}`);
    }
    if (init && setGlobalClient && once(done, exports)) {
      replaceInit(exports, init, logs, attachments);
    }
  });
}

function once(done: WeakSet<object>, what: object): boolean {
  if (done.has(what)) return false;
  done.add(what);
  return true;
}

/** Opens the log as soon as there is a client: it may have to send what an earlier run left. */
function replaceInit(
  exports: SdkExports,
  init: NonNullable<SdkExports["init"]>,
  logs: SdkLogs,
  attachments: Attachments,
): void {
  exports.init = Object.defineProperty(
    async function (this: unknown, ...args: unknown[]) {
      const client = await withStandInKey(logs, () => init.apply(this, args));
      if (typeof client === "object" && client !== null) attachments.logOf(client);
      return client;
    },
    "name",
    { value: "init" },
  );
}

function versionOf({ runtime }: SdkLogs, path: string): string {
  try {
    const manifest = runtime.files.readText(join(dirname(path), "..", "package.json"), {
      followLinks: true,
    });
    return String((JSON.parse(manifest) as { version?: unknown }).version);
  } catch {
    return "of an unknown version";
  }
}
