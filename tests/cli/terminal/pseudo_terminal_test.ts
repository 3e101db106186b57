/**
 * The command in a real pseudo-terminal, with its output rendered by a terminal emulator.
 *
 * @module
 */

import assert from "node:assert/strict";
import headless from "@xterm/headless";
import { type Running, temporary } from "../../support/cli/cli_support.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { endCall, openLog, startCall, writeCalls } from "../../support/cli/written_logs.ts";
import {
  CTRL_C,
  noResize,
  noTerminal,
  resizeTerminal,
  startInTerminal,
} from "../../support/cli/cli_terminal.ts";
import { test } from "../../harness.ts";

/** Rows of the pseudo-terminal. */
const ROWS = 30;

/** A terminal that renders the output of a command. */
class Screen {
  readonly #terminal: headless.Terminal;
  #drawn = 0;

  constructor(columns: number, rows: number) {
    this.#terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  }

  resize(columns: number): void {
    this.#terminal.resize(columns, this.#terminal.rows);
  }

  /** Returns the lines that continue the line above. */
  wrapped(): string[] {
    const { active } = this.#terminal.buffer;
    return Array.from({ length: active.length }, (_, row) => active.getLine(row))
      .flatMap((line) => line?.isWrapped ? [line.translateToString(true)] : []);
  }

  /** Renders the output since the last call, and returns the lines of the screen. */
  async draw(running: Running): Promise<string[]> {
    const text = running.out();
    await new Promise<void>((drawn) => this.#terminal.write(text.slice(this.#drawn), drawn));
    this.#drawn = text.length;
    const { active } = this.#terminal.buffer;
    return Array.from(
      { length: this.#terminal.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? "",
    );
  }
}

/** Names and text of a log. */
interface Names {
  readonly project: string;
  readonly op: string;
  readonly text: string;
}

const NAMES: Readonly<Record<string, Names>> = {
  "characters of one column": { project: "a-project-with-a-name", op: "answer", text: "failed " },
  "characters of two columns": {
    project: "質問応答のプロジェクト",
    op: "検索する",
    text: "失敗しました",
  },
};

async function someLogs(wal: string): Promise<void> {
  for (const name of ["acme/chat", "acme/a-project-with-a-long-name-that-needs-room", "o/p"]) {
    const log = openLog(wal, name, { maxDiskBytes: 3_000 });
    writeCalls(log, name, 20);
    await log.finish();
  }
}

/** Asserts that each line of the table is on the screen once and unbroken. */
function assertTable(lines: readonly string[], columns: number): void {
  const shown = lines.join("\n");
  const titles = lines.filter((line) => line.startsWith("PROJECT"));
  assert.equal(titles.length, 1, `${columns}: ${shown}`);
  for (const title of ["RECORDS", "DEAD LETTERS", "DROPPED", "SENDER"]) {
    assert.ok(titles[0].includes(title), `${columns}: ${title}\n${shown}`);
  }
  const at = lines.indexOf(titles[0]);
  for (const [offset, start] of [[1, "acme/"], [2, "acme/"], [3, "o/p"], [4, ""]] as const) {
    assert.ok(lines[at + offset].startsWith(start), `${columns}:\n${shown}`);
    if (start === "") assert.equal(lines[at + offset], "", `${columns}:\n${shown}`);
    else assert.match(lines[at + offset], / nobody$/, `${columns}:\n${shown}`);
  }
}

for (const columns of [60, 80, 120, 200]) {
  test(`terminal: the table of status is whole in ${columns} columns`, async () => {
    await using place = await temporary();
    await someLogs(place.wal);
    const status = startInTerminal(["status"], { cwd: place.path }, columns);
    await status.ended;
    // High enough for all advice.
    assertTable(await new Screen(columns, 200).draw(status), columns);
  }, { timeout: 120_000, skip: noTerminal });
}

/** Leaves a call with an error and long values, and dead letters. */
async function rejectedLogs(wal: string, { project, op, text }: Names): Promise<void> {
  const name = `acme/${project}`;
  await using mock = await startMockServer();
  mock.faults.add({ path: /feedback/, status: 422, body: { reason: text.repeat(30) } });
  const log = openLog(wal, name, { server: mock.url, key: "a-secret-key-0123456789" });
  log.append(
    "feedback_create",
    `{"id":"f1","project_id":"${name}","weave_ref":"weave:///${name}/call/c1","feedback_type":"custom","payload":{}}`,
  );
  await log.finish();
  const traced = openLog(wal, name, { server: mock.url });
  const root = startCall(traced, name, {
    op: op.repeat(20),
    inputs: { text: text.repeat(100) },
  });
  const child = startCall(traced, name, { op, parent: root });
  endCall(traced, name, child, { exception: `Error: ${text.repeat(50)}` });
  await traced.finish();
}

for (const columns of [60, 80, 120, 200]) {
  for (const [characters, names] of Object.entries(NAMES)) {
    test(
      `terminal: no line of a table or a tree wraps in ${columns} columns, ${characters}`,
      async () => {
        await using place = await temporary();
        await rejectedLogs(place.wal, names);
        const commands = [
          ["inspect"],
          ["inspect", "--tree", "--values"],
          ["dead-letters", "list"],
        ];
        for (const args of commands) {
          const command = startInTerminal(args, { cwd: place.path }, columns);
          assert.equal((await command.ended).code, 0, command.out());
          const screen = new Screen(columns, 200);
          const shown = await screen.draw(command);
          assert.deepEqual(screen.wrapped(), [], args.join(" "));
          assert.ok(shown.filter((line) => line !== "").length > 3, command.out());
        }
      },
      { timeout: 120_000, skip: noTerminal },
    );
  }
}

test("terminal: status --watch leaves nothing behind when the terminal is resized", async () => {
  await using place = await temporary();
  await someLogs(place.wal);
  const screen = new Screen(120, ROWS);
  const watch = startInTerminal(["status", "--watch", "100ms"], { cwd: place.path }, 120);
  await watch.sees("SENDER");
  for (const columns of [60, 200, 75, 120]) {
    resizeTerminal(watch, columns);
    screen.resize(columns);
    let cleared = watch.out().length;
    // The first screen of the new size begins with a clear.
    while (!watch.out().slice(cleared).includes("\u001b[2J")) await watch.prints();
    cleared += watch.out().slice(cleared).indexOf("\u001b[2J");
    while (!watch.out().slice(cleared).includes("SENDER")) await watch.prints();
    let lines = await screen.draw(watch);
    // A screen may be half drawn: a complete one has a row for each of the three
    // projects.
    const rows = () => lines.filter((line) => / nobody$/.test(line)).length;
    for (let tries = 0; tries < 50 && rows() < 3; tries++) {
      await watch.prints();
      lines = await screen.draw(watch);
    }
    assertTable(lines, columns);
    assert.ok(lines[0].startsWith(place.path.slice(0, 20)), lines.join("\n"));
  }
  watch.type(CTRL_C);
  assert.equal((await watch.ended).code, 130);
}, { timeout: 120_000, skip: noResize });
