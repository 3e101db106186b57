/**
 * `weave-wal demo` and `weave-wal mock`, for people without an account. Both parse their own
 * arguments.
 *
 * @module
 */

import { Command } from "commander";

/** Creates `demo`: a traced program that is killed without losing data. */
export function demoCommand(setCode: (code: number) => void): Command {
  return ownArguments("demo", "Show an outage and a kill that lose no call", async (args) => {
    const { runDemo } = await import("../../tools/demo/run_demo.ts");
    setCode(await runDemo(args));
  });
}

/** Creates `mock`: a local trace server. */
export function mockCommand(setCode: (code: number) => void): Command {
  return ownArguments(
    "mock",
    "Run a local mock trace server, no W&B account needed",
    async (args) => {
      const { runMock } = await import("../../tools/mock_server/command.ts");
      setCode(await runMock(args));
    },
  );
}

function ownArguments(
  name: string,
  summary: string,
  run: (args: string[]) => Promise<void>,
): Command {
  const command = new Command(name);
  return command.description(summary).usage("[options]; --help lists them")
    .helpOption(false).allowUnknownOption().allowExcessArguments()
    .action(() => run(command.args));
}
