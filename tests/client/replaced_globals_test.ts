/**
 * Programs that replace or freeze what the runtime provides: fake timers of test runners,
 * promise libraries, hardened environments. The package uses what was there when it was loaded.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

/** Runs a program beside a copy of the package; returns what it printed, and the calls sent. */
async function traced(program: string) {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  project.write("main.mjs", program);
  const { code, lines, errors } = await project.run("main.mjs", {
    env: {
      WEAVE_ENABLE_WAL: "true",
      WF_TRACE_SERVER_URL: mock.url,
      WEAVE_LOG_LEVEL: "warning",
    },
  });
  return { code, lines, errors, calls: mock.store.calls("team/replaced") };
}

/** Timers that never fire, and clocks that stopped at the beginning of 1970. */
const FAKE = `
  let used = 0;
  // The runtime's own modules may use them too.
  function use() {
    const callers = new Error().stack.split("\\n").filter((line) => /\\bat /.test(line) && !line.includes("main.mjs"));
    if (callers[0]?.includes("weave_wal.mjs")) used++;
  }
  function fake() {
    const timer = () => (use(), { ref() {}, unref() {} });
    const replaced = { setTimeout: timer, setInterval: timer, setImmediate: timer };
    for (const name of ["clearTimeout", "clearInterval"]) replaced[name] = () => use();
    const FakeDate = class extends Date {
      constructor(...args) { super(...(args.length === 0 ? [0] : args)); }
      static now() { return use(), 0; }
    };
    const performance = { now: () => (use(), 0) };
    Object.assign(globalThis, replaced, { Date: FakeDate });
    Object.defineProperty(globalThis, "performance", { value: performance, configurable: true });
  }
`;

for (const when of ["before init", "after init", "after init, and still at the exit"]) {
  test(`replaced globals: timers and clocks replaced ${when} are not used`, async () => {
    const before = Date.now();
    const { code, lines, errors, calls } = await traced(`
      import { finish, flush, init, op } from "./weave_wal.mjs";
      ${FAKE}
      if (${when === "before init"}) fake();
      await init("team/replaced");
      fake();
      const work = op(async function work(x) { return x; });
      await work(1);
      if (${!when.endsWith("exit")}) {
        const { done } = await flush();
        await work(2);
        console.log(done && (await finish()).done, used);
      } else console.log(true, used);
    `);
    assert.deepEqual([code, lines, errors], [0, ["true 0"], ""]);
    assert.equal(calls.length, when.endsWith("exit") ? 1 : 2);
    for (const { started_at, ended_at } of calls) {
      for (const time of [started_at, ended_at]) {
        assert.ok(Date.parse(time!) >= before - 1 && Date.parse(time!) <= Date.now(), time!);
      }
    }
  });
}

/** A promise library: its promises are not those of the runtime. */
const LIBRARY = `
  const Native = Promise;
  const nativeThen = Promise.prototype.then;
  class Own {
    #inner;
    constructor(run) { this.#inner = new Native(run); }
    then(...reactions) {
      const next = nativeThen.apply(this.#inner, reactions);
      return new Own((resolve, reject) => void nativeThen.call(next, resolve, reject));
    }
    catch(reaction) { return this.then(undefined, reaction); }
    finally(run) {
      return this.then((value) => (run(), value), (error) => { run(); throw error; });
    }
  }
  for (const name of ["all", "allSettled", "any", "race", "resolve", "reject"]) {
    Own[name] = (value) => new Own((resolve, reject) => void nativeThen.call(Native[name](value), resolve, reject));
  }
`;

/** Ways of replacing promises. */
const PROMISES: Record<string, string> = {
  "by a library": "globalThis.Promise = Own;",
  "by a library that is also in the way of the runtime's own": `
    globalThis.Promise = Own;
    Native.prototype.then = function (...reactions) {
      return new Own((resolve, reject) => void nativeThen.call(this, resolve, reject)).then(...reactions);
    };
  `,
};

for (const [how, replace] of Object.entries(PROMISES)) {
  test(`replaced globals: promises replaced ${how} are observed as before`, async () => {
    const { code, lines, errors, calls } = await traced(`
      ${LIBRARY}
      ${replace}
      const { finish, init, op } = await import("./weave_wal.mjs");
      await init("team/replaced");
      const native = op(async function native() { return 1; });
      const fails = op(async function fails() { throw new RangeError("on purpose"); });
      const own = Promise.resolve(2);
      const library = op(function library() { return own; });
      const stream = op(async function* stream() { yield 3; yield 4; });
      const seen = [await native(), await fails().catch(({ message }) => message)];
      const returned = library();
      seen.push(returned === own, await returned);
      for await (const chunk of stream()) seen.push(chunk);
      console.log(JSON.stringify([seen, (await finish()).done]));
    `);
    assert.deepEqual([code, lines.map((line) => JSON.parse(line)), errors], [
      0,
      [[[1, "on purpose", true, 2, 3, 4], true]],
      "",
    ]);
    assert.deepEqual(
      calls.map(({ op_name, output, exception }) => [
        op_name!.split("/op/")[1].split(":")[0],
        exception ? "failed" : output,
      ]),
      [["native", 1], ["fails", "failed"], ["library", 2], ["stream", [3, 4]]],
    );
  });
}

/** Freezes the intrinsics, and what is in them. */
const FREEZE = `
  // Deno and Bun cannot load these afterwards. With a frozen Error, Deno throws texts instead of
  // errors, and Node 24 fails inside its fetch.
  import "node:fs";
  import "node:http";
  import "node:process";
  const CLASSES = [Object, Array, Function, TypeError, RangeError, Promise, Map, Set, WeakMap, Date,
    RegExp, Symbol, String, Number, Boolean, BigInt, Uint8Array, ArrayBuffer, URL, Headers,
    AbortController, TextEncoder, TextDecoder];
  function freeze() {
    for (const one of CLASSES) {
      Object.freeze(one.prototype);
      Object.freeze(one);
    }
    for (const one of [JSON, Math, Reflect]) Object.freeze(one);
  }
`;

for (const when of ["before the package is loaded", "after init"]) {
  test(`replaced globals: intrinsics frozen ${when} do not matter`, async () => {
    const { code, lines, errors, calls } = await traced(`
      ${FREEZE}
      if (${when.startsWith("before")}) freeze();
      const { finish, init, op } = await import("./weave_wal.mjs");
      await init("team/replaced");
      freeze();
      const work = op(async function work(x) { return new Map([["at", new Date(x)]]); });
      const fails = op(function fails() { throw new RangeError("on purpose"); });
      await work(0);
      try { fails(); } catch (error) { console.log(error.message); }
      console.log((await finish()).done);
    `);
    assert.deepEqual([code, lines, errors], [0, ["on purpose", "true"], ""]);
    assert.deepEqual(calls.map(({ output, exception }) => exception ? "failed" : output), [
      { at: "1970-01-01T00:00:00.000Z" },
      "failed",
    ]);
  });
}
