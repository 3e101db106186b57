/**
 * `weave-wal ui`: a local web page with the state of the logs.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../context.ts";
import { withStreamOption } from "../jetstream/log_option.ts";
import { parseCount } from "../terminal/arguments.ts";
import { describe, withLogOptions } from "../terminal/options.ts";
import type { UiFlags } from "./serve.ts";

const NOTES =
  `The page is served on the loopback interface only, and its address contains a token. It makes no
request to another host. It changes nothing in the logs unless you send dead letters again.`;

/** Creates the command. */
export function uiCommand(context: Context): Command {
  return withStreamOption(withLogOptions(
    describe("ui", "Show pending calls, senders and dead letters in a browser", {
      examples: [
        ["weave-wal ui", "open the page in a browser"],
        ["weave-wal ui --no-open --port 4711", "print its address, on a fixed port"],
        ["weave-wal ui --log nats://n1,n2,n3", "a relay's stream"],
      ],
      notes: NOTES,
    }),
    "only logs for this trace server, and where to send dead letters again",
  ))
    .addOption(
      new Option("--port <number>", "port to listen on")
        .argParser(parsePort).default(0, "a free one"),
    )
    .option("--no-open", "do not open a browser")
    .action(async (flags: UiFlags) => {
      const { serveUi } = await import("./serve.ts");
      await serveUi(context, flags);
    });
}

function parsePort(text: string): number {
  const port = parseCount(text);
  if (port > 65_535) throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return port;
}
