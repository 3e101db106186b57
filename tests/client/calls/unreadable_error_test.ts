/**
 * Errors whose stack cannot be built, or only by code of the program.
 *
 * @module
 */

import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { test } from "../../harness.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";

/** Fails the test if it is called. */
function never(): never {
  throw new Error("Code of the program was run");
}

/** An object on which every operation fails. */
function trapped(): object {
  const traps = Object.getOwnPropertyNames(Reflect).map((trap) => [trap, never]);
  return new Proxy({}, Object.fromEntries(traps));
}

function withPrototype(prototype: object): Error {
  return Object.setPrototypeOf(new Error("kept"), prototype);
}

const errors: Record<string, () => Error> = {
  "a symbol as its name": () => Object.assign(new Error("kept"), { name: Symbol("name") }) as Any,
  "a symbol as its message": () => Object.assign(new Error(), { message: Symbol("text") }) as Any,
  "an object as its message": () => Object.assign(new Error(), { message: { toString: never } }),
  "an object as its name": () => Object.assign(new Error("kept"), { name: { valueOf: never } }),
  "a proxy as its name": () => Object.assign(new Error("kept"), { name: trapped() }) as Any,
  "a proxy as its prototype": () => withPrototype(trapped()),
  "a proxy above its prototype": () => withPrototype(Object.create(trapped())),
  "a revoked proxy as its prototype": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return withPrototype(proxy);
  },
};

/** Asserts that `fails` throws or rejects with exactly the error that it is given. */
async function throwsIt(make: () => Error, fails: (given: () => Error) => unknown): Promise<void> {
  const given = make();
  let received: unknown;
  try {
    // `assert.rejects` would inspect the error.
    await fails(() => given);
  } catch (error) {
    received = error;
  }
  assert.ok(received === given);
}

/** Lets ops throw the error in every way, and one return it. */
async function throwInEveryWay(name: string, make: () => Error): Promise<void> {
  const throws = op((given: () => Error) => {
    throw given();
  }, { name });
  await throwsIt(make, throws);
  const rejects = op(async (given: () => Error) => {
    await Promise.resolve();
    throw given();
  }, { name });
  await throwsIt(make, rejects);
  await throwsIt(make, op((given: () => Error) => Promise.reject(given()), { name }));
  const streams = op(function* (given: () => Error) {
    yield 1;
    throw given();
  }, { name });
  await throwsIt(make, (given) => [...streams(given)]);
  const returned = make();
  assert.ok(op(() => returned, { name })() === returned);
}

for (const [what, make] of Object.entries(errors)) {
  test(`exception: an error with ${what} reaches the program, and its call ends`, async () => {
    using fixture = await clientFixture();
    await throwInEveryWay("fails", make);
    const calls = fixture.pipeline.callsOf("fails");
    assert.equal(fixture.pipeline.of("call_end").length, calls.length);
    assert.deepEqual(calls.map(({ exception }) => typeof exception), [
      ...Array(4).fill("string"),
      "undefined",
    ]);
    assert.deepEqual(fixture.warned.filter((line) => line.includes("Cannot")), []);
  });
}

test("exception: a prepareStackTrace that throws affects neither the program nor the record", async () => {
  using fixture = await clientFixture();
  const before = Error.prepareStackTrace;
  // `assert` reads stacks too.
  const received: boolean[] = [];
  try {
    Error.prepareStackTrace = never;
    const error = new Error("kept");
    try {
      op(() => {
        throw error;
      }, { name: "fails" })();
    } catch (thrown) {
      received.push(thrown === error);
    }
  } finally {
    Error.prepareStackTrace = before;
  }
  assert.deepEqual(received, [true]);
  const [{ exception }] = fixture.pipeline.callsOf("fails");
  assert.equal(JSON.parse(exception).message, "kept");
});

test("exception: a problem of recording an end is logged, and does not reach the program", async () => {
  using fixture = await clientFixture();
  const { pipeline } = fixture;
  const append = pipeline.append.bind(pipeline);
  pipeline.append = (type: Any, text: string) => {
    if (type === "call_end") throw new Error("no room");
    return append(type, text);
  };
  const error = new RangeError("own");
  const fails = op((isAsync: boolean) => {
    if (isAsync) return Promise.reject(error);
    throw error;
  }, { name: "fails" });
  assert.throws(() => fails(false), (thrown) => thrown === error);
  await assert.rejects(fails(true), (thrown) => thrown === error);
  assert.equal(op(() => 1, { name: "works" })(), 1);
  assert.equal(fixture.warned.filter((line) => line.includes("Cannot record the end")).length, 1);
});
