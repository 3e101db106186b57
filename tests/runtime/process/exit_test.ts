import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { exitHooks } from "../../../src/runtime/process/exit_hooks.ts";
import { signalHooks } from "../../../src/runtime/process/signal_hooks.ts";
import { childCommand, root } from "../../support/processes/child_fixture.ts";
import { test } from "../../harness.ts";

function runChild(part: string): Promise<{ code: number | null; lines: string[] }> {
  const [command, ...args] = childCommand("support/runtime/runtime_child.ts", part);
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, lines: output.trim().split("\n") }));
  });
}

const NATURAL = ["natural begins", "natural ends", "exit"];

test("a normal exit waits for its listener and keeps code 0", async () => {
  assert.deepEqual(await runChild("natural"), { code: 0, lines: NATURAL });
});

test("a normal exit keeps the program's exit code", async () => {
  assert.deepEqual(await runChild("code"), { code: 3, lines: NATURAL });
});

test("listeners that reject or throw do not change the exit", async () => {
  assert.deepEqual(await runChild("rejects"), { code: 0, lines: NATURAL });
});

test("process.exit() runs only the exit listeners", async () => {
  assert.deepEqual(await runChild("exit"), { code: 4, lines: ["exit"] });
});

test("an uncaught exception ends with code 1 and without a normal exit", async () => {
  const { code, lines } = await runChild("throws");
  assert.equal(code, 1);
  assert.ok(!lines.includes("natural begins"));
});

test("a listener added during a normal exit runs in it, and none runs twice", async () => {
  const { code, lines } = await runChild("twice");
  assert.equal(code, 0);
  assert.deepEqual(lines, ["natural begins", "natural ends", "late listener", "exit"]);
});

test("a removed listener does not run at a normal exit", async () => {
  assert.deepEqual(await runChild("removed"), { code: 0, lines: NATURAL });
});

test("a timer does not keep the program", async () => {
  assert.deepEqual(await runChild("timer"), { code: 0, lines: NATURAL });
});

test("a timer with ref keeps the program", async () => {
  assert.deepEqual(await runChild("held"), { code: 0, lines: ["held timer", ...NATURAL] });
});

/** Fake signals of a host, and what was done with them. */
function fakeSignals(others = 0) {
  const listeners = new Map<string, () => void>();
  const raised: string[] = [];
  return {
    raised,
    listening: () => [...listeners.keys()],
    fire: (signal: string) => listeners.get(signal)?.(),
    listen: (signal: string, fired: () => void) => {
      listeners.set(signal, fired);
      return () => void listeners.delete(signal);
    },
    listeners: () => others + 1,
    raise: (signal: string) => void raised.push(signal),
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

test("signal hooks run every listener, then pass the signal on after the final callback", async () => {
  const signals = fakeSignals();
  const ran: string[] = [];
  const onSignal = signalHooks(signals, () => ran.push("last"));
  assert.deepEqual(signals.listening(), []);
  onSignal(async () => {
    await turn();
    ran.push("slow");
  });
  onSignal(() => Promise.reject(ran.push("failing")));
  onSignal(() => Promise.resolve(ran.push("removed")).then(() => {}))();
  assert.deepEqual(signals.listening(), ["SIGTERM", "SIGINT"]);
  signals.fire("SIGTERM");
  assert.deepEqual([ran, signals.raised], [["failing"], []]);
  await turn();
  await turn();
  assert.deepEqual([ran, signals.raised], [["failing", "slow", "last"], ["SIGTERM"]]);
  assert.deepEqual(signals.listening(), [], "the default effect is back");
});

test("signal hooks let a second signal end the program at once", () => {
  const signals = fakeSignals();
  const onSignal = signalHooks(signals, () => {});
  let finish = () => {};
  onSignal(() => new Promise((resolve) => finish = resolve));
  signals.fire("SIGINT");
  assert.deepEqual(signals.raised, []);
  signals.fire("SIGTERM");
  assert.deepEqual([signals.raised, signals.listening()], [["SIGTERM"], []]);
  finish();
});

test("signal hooks leave the exit to a program with its own listener, and keep listening", async () => {
  const signals = fakeSignals(1);
  const onSignal = signalHooks(signals, () => assert.fail("nothing ends"));
  let runs = 0;
  const remove = onSignal(() => Promise.resolve(void runs++));
  for (let i = 0; i < 2; i++) {
    signals.fire("SIGTERM");
    await turn();
  }
  assert.deepEqual([runs, signals.raised], [2, []]);
  remove();
  assert.deepEqual(signals.listening(), []);
});

test("exit hooks subscribe to events of the runtime only with listeners, and once", () => {
  let before = 0;
  let exit = 0;
  const hooks = exitHooks({
    beforeExit: () => before++,
    exit: () => exit++,
    signals: fakeSignals(),
  });
  assert.deepEqual([before, exit], [0, 0]);
  hooks.onBeforeExit(() => Promise.resolve());
  hooks.onBeforeExit(() => Promise.resolve());
  hooks.onExit(() => {});
  hooks.onExit(() => {});
  assert.deepEqual([before, exit], [1, 1]);
});

test("one listener given twice is two listeners", () => {
  let fire = () => {};
  let runs = 0;
  const exit = (fired: () => void) => fire = fired;
  const hooks = exitHooks({ beforeExit: () => {}, exit, signals: fakeSignals() });
  const listener = () => void runs++;
  hooks.onExit(listener);
  const remove = hooks.onExit(listener);
  remove();
  fire();
  fire();
  assert.equal(runs, 1);
});
