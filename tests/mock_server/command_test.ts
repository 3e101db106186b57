import assert from "node:assert/strict";
import { type MockTerminal, runMock } from "../../tools/mock_server/command.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { post, send, startOf } from "../support/mock_server/mock_requests.ts";

class Terminal implements MockTerminal {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly colors: boolean;
  interrupt: () => void = () => {};
  #ready: () => void = () => {};
  /** Resolves when the command waits to be stopped. */
  readonly ready: Promise<void> = new Promise((resolve) => this.#ready = resolve);

  constructor(colors = false) {
    this.colors = colors;
  }

  print(line: string): void {
    this.lines.push(line);
  }

  printError(line: string): void {
    this.errors.push(line);
  }

  interrupted(): Promise<void> {
    return new Promise((resolve) => {
      this.interrupt = resolve;
      this.#ready();
    });
  }
}

/** An ID in the format that the command requires. */
const ID = "01a22968-3f42-7880-a4ff-000000000001";

async function running(args: string[], colors = false) {
  const terminal = new Terminal(colors);
  const status = runMock(["--port", "0", ...args], terminal);
  await terminal.ready;
  const url = /http:\/\/[\d.:]+/.exec(terminal.lines[0])![0];
  return { terminal, status, url };
}

test("mock command: prints its address, the line to copy, and each request", async () => {
  const { terminal, status, url } = await running(["--key", "k1"]);
  assert.equal(terminal.lines[1], `WF_TRACE_SERVER_URL=${url} WANDB_API_KEY=k1`);
  assert.equal((await send(`${url}/calls/stream_query`, { method: "POST" })).status, 401);
  await post({ url }, "/call/start", { start: startOf(ID, { trace_id: ID }) }, {
    headers: { authorization: `Basic ${btoa("api:k1")}` },
  });
  terminal.interrupt();
  assert.equal(await status, 0);
  const [first, second, last] = terminal.lines.slice(3);
  assert.match(first, /^\d\d:\d\d:\d\d 401 POST \/calls\/stream_query {2}\d+ ms$/);
  assert.match(second, /^\d\d:\d\d:\d\d 200 POST \/call\/start {2}1 item · \d+ B · \d+ ms$/);
  assert.equal(last, "Stopped: 2 requests, 1 call");
  assert.equal(terminal.lines.some((line) => line.includes("\x1b")), false);
});

test("mock command: supports colors, quiet output and modes", async () => {
  const { terminal, status, url } = await running(["--quiet", "--mode", "complete"], true);
  const answer = await post({ url }, "/call/start", { start: startOf(ID, { trace_id: ID }) });
  assert.equal(answer.json.error_code, "CALLS_COMPLETE_MODE_REQUIRED");
  terminal.interrupt();
  await status;
  assert.ok(terminal.lines[0].includes("\x1b[36m"));
  assert.equal(terminal.lines.length, 4);
});

test("mock command: reports invalid arguments", async () => {
  for (
    const [args, message] of [
      [["--prt", "1"], "Cannot read arguments: Unknown option '--prt'"],
      [["--port", "many"], "Cannot use --port: many"],
      [["--port", "70000"], "Cannot use --port: 70000"],
      [["--mode", "newest"], "Cannot use --mode: newest (one of: old, new, complete)"],
    ] as const
  ) {
    const terminal = new Terminal();
    assert.equal(await runMock(args, terminal), 2);
    assert.equal(terminal.errors.join("\n"), `${message}\nSee --help`);
  }
});

test("mock command: reports a port that is in use", async () => {
  await using mock = await startMockServer();
  const terminal = new Terminal();
  assert.equal(await runMock(["--port", `${mock.port}`], terminal), 2);
  assert.deepEqual(terminal.errors, [
    `Cannot listen on port: ${mock.port} (it is in use)\nUse another --host or --port`,
  ]);
});

test("mock command: --help tells all options and ends", async () => {
  const terminal = new Terminal();
  assert.equal(await runMock(["--help"], terminal), 0);
  for (const option of ["--port", "--host", "--mode", "--key", "--lean", "--quiet"]) {
    assert.ok(terminal.lines[0].includes(option), option);
  }
});
