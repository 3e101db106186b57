/**
 * The command `weave-wal`, assembled from its subcommands.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import { escapeControls } from "../protocol/escape_controls.ts";
import { misspelledVariables } from "../client/settings/misspelled.ts";
import { VERSION } from "../version.ts";
import { type Context, Interrupted } from "./context.ts";
import { endingOf, EXIT } from "./exit_codes.ts";
import { deadLettersCommand } from "./dead_letters/dead_letters.ts";
import { flushCommand } from "./flush/flush.ts";
import { inspectCommand } from "./inspect/inspect.ts";
import { demoCommand, mockCommand } from "./demo_commands.ts";
import { relayCommand } from "./relay/relay.ts";
import { statusCommand } from "./status/status.ts";
import { uiCommand } from "./ui/ui.ts";
import { verifyCommand } from "./verify/verify.ts";

const NOTES = `
Exit codes:
  0         success; checks found nothing
  1         a check failed, or some records were not delivered
  2         invalid command line or settings
  3         the disk or the command itself failed
  130, 143  ended by SIGINT or SIGTERM

Settings are those of the library: environment variables (WEAVE_WAL_DIR, WF_TRACE_SERVER_URL,
WANDB_API_KEY, …), weave.jsonc in the working directory, ~/.netrc. NO_COLOR disables colors.`;

/**
 * Runs `weave-wal` with `args` (the words after the command name).
 *
 * @returns The exit code. Never throws.
 */
export async function runCommand(args: readonly string[], context: Context): Promise<number> {
  const { terminal, runtime } = context;
  let code: number = EXIT.ok;
  const printed: { out: string; err: string } = { out: "", err: "" };
  const program = makeProgram(context, (exitCode) => code = exitCode);
  prepare(program, printed);
  try {
    for (const message of misspelledVariables(runtime)) {
      await terminal.err.write(`${terminal.err.colors.yellow(message)}\n`);
    }
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else if (error instanceof Interrupted) {
      code = error.exitCode;
    } else {
      const { code: exitCode, message, hint } = endingOf(error);
      code = exitCode;
      const { red, dim } = terminal.err.colors;
      if (message !== undefined) printed.err += `${red("error:")} ${escapeControls(message)}\n`;
      if (hint !== undefined) printed.err += `${dim(escapeControls(hint))}\n`;
      const debug = runtime.process.env("WEAVE_LOG_LEVEL")?.toLowerCase() === "debug";
      if (debug && error instanceof Error) printed.err += `${error.stack}\n`;
    }
  }
  try {
    if (printed.out !== "") await terminal.out.write(printed.out);
    if (printed.err !== "") await terminal.err.write(printed.err);
  } catch {
    // The output is closed.
  }
  return code;
}

function makeProgram(context: Context, setCode: (code: number) => void): Command {
  return new Command("weave-wal")
    .description("Manage the write-ahead logs of W&B Weave tracing")
    .version(VERSION, "-V, --version", "print the version")
    .addHelpText("after", NOTES)
    .addCommand(statusCommand(context, setCode))
    .addCommand(uiCommand(context))
    .addCommand(flushCommand(context, setCode))
    .addCommand(relayCommand(context, setCode))
    .addCommand(inspectCommand(context, setCode))
    .addCommand(verifyCommand(context, setCode))
    .addCommand(deadLettersCommand(context, setCode))
    .addCommand(demoCommand(setCode))
    .addCommand(mockCommand(setCode));
}

/** Collects commander's output, and makes it throw instead of ending the process. */
function prepare(command: Command, printed: { out: string; err: string }): void {
  command.exitOverride();
  command.showHelpAfterError("(add --help for help)");
  command.configureOutput({
    writeOut: (text) => printed.out += text,
    writeErr: (text) => printed.err += text,
    outputError: (text, write) => write(text),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  for (const child of command.commands) prepare(child, printed);
}
