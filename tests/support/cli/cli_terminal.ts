/**
 * Runs the command in a pseudo-terminal of 30 lines and 120 columns.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { programCommand, type Running, startProcess, type Surroundings } from "./cli_support.ts";

const PYTHON = `
import fcntl, os, pty, select, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [master, 0]
while master in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""
        if not data:
            sources.remove(source)
        elif source == master:
            os.write(1, data)
        else:
            os.write(master, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

const has = (command: string): boolean =>
  spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
const tool = has("python3") ? "python3" : has("script") ? "script" : null;

/** Why tests in a pseudo-terminal cannot run here; `false` where they can. */
export const noTerminal: string | false = tool === null
  ? "neither python3 nor util-linux script is here to make a pseudo-terminal"
  : false;

/** The character of Ctrl-C. */
export const CTRL_C = "\x03";

/** Starts `weave-wal` in a pseudo-terminal; its output is what the terminal is sent. */
export function startInTerminal(args: readonly string[], surroundings: Surroundings): Running {
  const command = [...programCommand("src/cli/main.ts"), ...args];
  const inTerminal = { ...surroundings, env: { TERM: "xterm-256color", ...surroundings.env } };
  if (tool === "python3") return startProcess("python3", ["-c", PYTHON, ...command], inTerminal);
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const script = `stty rows 30 cols 120; exec ${line}`;
  return startProcess("script", ["-qec", script, "/dev/null"], inTerminal);
}

/** The text without what moves the cursor and colors it. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\u001b(?:\[[0-9;?]*[A-Za-z]|[78])/g, "").replaceAll("\r", "");
}
