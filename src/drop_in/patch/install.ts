/**
 * Makes all clients of the official SDK durable, in all copies of it that this process loads.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { intercepting } from "../intercept/intercept.ts";
import {
  ClientAttachments,
  hasCompatibleQueue,
  OTHER_VERSION,
  replaceQueue,
  warnDelayedCalls,
} from "./sdk_client.ts";
import type { SdkLogs } from "../logs/sdk_logs.ts";
import { type SdkExports, watchModules } from "./sdk_modules.ts";
import { withStandInKey } from "./stand_in_key.ts";

/** Hint if the SDK is part of a bundle. */
const UNBUNDLE = "Leave weave out of the bundle: `--external:weave` for esbuild and `bun build`, " +
  "`externals` for webpack, `serverExternalPackages` for Next.js";

/** Intercepts both the runtime's `fetch` and the SDK's own methods. */
export function install(logs: SdkLogs): void {
  const attachments = new ClientAttachments(logs);
  const { fetch } = globalThis;
  let isCaught = false;
  const recording = intercepting(logs, fetch, {
    trusted: false,
    // A client with patched methods records its writes another way, but only copies of the SDK that
    // were detected on load have such clients.
    onRequest: (isWrite) => {
      if (isWrite || !isCaught) warnDelayedCalls(logs, "a copy of weave inside a bundle", UNBUNDLE);
    },
  });
  // A proxy preserves properties that runtimes and others set on the function.
  globalThis.fetch = new Proxy(fetch, {
    apply: (_target, _self, [input, init]) => recording(input, init),
  });
  const done = new WeakSet<object>();
  watchModules((exports, path) => {
    const { WeaveClient, init, setGlobalClient } = exports;
    if (WeaveClient && once(done, WeaveClient)) {
      if (hasCompatibleQueue(WeaveClient.prototype)) {
        isCaught = true;
        replaceQueue(WeaveClient.prototype, attachments.logOf);
      } else warnDelayedCalls(logs, `weave ${versionOf(logs, path)}`, OTHER_VERSION);
      attachments.join(WeaveClient.prototype);
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

/**
 * Opens the log as soon as there is a client, because it may contain records of an earlier run to
 * send.
 */
function replaceInit(
  exports: SdkExports,
  init: NonNullable<SdkExports["init"]>,
  logs: SdkLogs,
  attachments: ClientAttachments,
): void {
  exports.init = Object.defineProperty(
    async function (this: unknown, ...args: unknown[]) {
      const client = await withStandInKey(logs, () => init.apply(this, args));
      if (typeof client === "object" && client !== null) attachments.use(client);
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
