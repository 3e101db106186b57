/**
 * Runs the command in a pseudo-terminal of 30 lines and 120 columns, unless another width
 * is set.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { programCommand, type Running, startProcess, type Surroundings } from "./cli_support.ts";

const PYTHON = `
import fcntl, os, pty, select, struct, sys, termios
def resize(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
pid, master = pty.fork()
if pid == 0:
    resize(0, int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
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
        elif data.startswith(b"\\0"):
            resize(master, int(data[1:]))
        else:
            os.write(master, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

const has = (command: string): boolean =>
  spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
const tool = has("python3") ? "python3" : has("script") ? "script" : null;

/** Why tests in a pseudo-terminal are skipped; `false` if they can run. */
export const noTerminal: string | false = tool === null
  ? "neither python3 nor util-linux script is here to make a pseudo-terminal"
  : false;

/** The character for Ctrl-C. */
export const CTRL_C = "\x03";

/** Starts `weave-wal` in a pseudo-terminal; its output is that of the terminal. */
export function startInTerminal(
  args: readonly string[],
  surroundings: Surroundings,
  columns = 120,
): Running {
  const command = [...programCommand("src/cli/main.ts"), ...args];
  const inTerminal = { ...surroundings, env: { TERM: "xterm-256color", ...surroundings.env } };
  if (tool === "python3") {
    return startProcess("python3", ["-c", PYTHON, `${columns}`, ...command], inTerminal);
  }
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const script = `stty rows 30 cols ${columns}; exec ${line}`;
  return startProcess("script", ["-qec", script, "/dev/null"], inTerminal);
}

/** Why tests that resize a pseudo-terminal are skipped; `false` if they can run. */
export const noResize: string | false = tool === "python3"
  ? false
  : "python3 is not here to resize a pseudo-terminal";

/** Sets the width of a command's pseudo-terminal. */
export function resizeTerminal(running: Running, columns: number): void {
  running.type(`\0${columns}`);
}

/** Strips escape sequences for cursor movement and color. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\u001b(?:\[[0-9;?]*[A-Za-z]|[78])/g, "").replaceAll("\r", "");
}
