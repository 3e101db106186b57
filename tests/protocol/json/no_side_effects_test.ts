import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { toJsonText } from "../../../src/protocol/json/stringify.ts";

/** The value that the server would receive. */
const read = (value: unknown) => JSON.parse(toJsonText(value));

/** Fails the test if the encoder runs it. */
function never(): never {
  throw new Error("Code of the program was run");
}

/** A proxy whose every trap fails. */
function trapped<T extends object>(target: T): T {
  const handler: Record<string, () => never> = {};
  for (const trap of Object.getOwnPropertyNames(Reflect)) handler[trap] = never;
  return new Proxy(target, handler as ProxyHandler<T>);
}

/** An object whose property `key` has a getter that counts its runs. */
function counted(key: PropertyKey, target: object = {}, enumerable = true) {
  const runs = { count: 0, value: target };
  Object.defineProperty(target, key, {
    enumerable,
    configurable: true,
    get: () => (runs.count++, Promise.reject(new Error("from a getter"))),
  });
  return runs;
}

test("encoding runs no getter of an object, an array, a class instance or a function", () => {
  class Lazy {
    kept = 1;
    get text(): never {
      return never();
    }
  }
  const lazy = counted("own", new Lazy());
  const plain = counted("text", { a: 1 });
  const list = counted(1, [1, 2, 3]);
  const bare = counted("x", Object.create(null));
  const named = counted("name", () => 1);
  const hidden = counted("hidden", {}, false);
  const mixed = counted("late", { big: 1n });
  const cases = { lazy, plain, list, bare, named, hidden, mixed };
  const values = Object.fromEntries(
    Object.entries(cases).map(([name, { value }]) => [name, value]),
  );
  assert.deepEqual(read(values), {
    lazy: { kept: 1, own: "<getter>" },
    plain: { a: 1, text: "<getter>" },
    list: [1, "<getter>", 3],
    bare: { x: "<getter>" },
    named: "<function>",
    hidden: {},
    mixed: { big: "1", late: "<getter>" },
  });
  for (const [name, { count, value }] of Object.entries(cases)) {
    toJsonText(value);
    toJsonText({ nested: [value] });
    assert.equal(count, 0, name);
  }
});

test("encoding runs no getter that affects encoding", () => {
  const keys = ["toJSON", Symbol.toStringTag, "constructor", "then", "_weaveType", "length"];
  for (const key of keys) {
    for (const enumerable of [true, false]) {
      const target = counted(key, { kept: 1 }, enumerable);
      const heir = Object.create(target.value, { own: { value: 2, enumerable: true } });
      assert.equal(read([target.value])[0].kept, 1, String(key));
      assert.deepEqual(read([heir]), [{ own: 2 }]);
      assert.equal(target.count, 0, String(key));
    }
  }
});

test("encoding runs no getter and no override of an error, a date, a map or binary data", () => {
  const error = Object.assign(new Error("kept"), { code: 7 });
  for (const key of ["name", "cause", "errors"]) {
    Object.defineProperty(error, key, { get: never });
  }
  class Late extends Error {}
  Object.defineProperty(Late.prototype, "message", { get: never });
  class Table extends Map<string, number> {
    override forEach = never;
    override entries = never;
    override [Symbol.iterator] = never;
    override get size(): number {
      return never();
    }
  }
  class Bytes extends Uint8Array<ArrayBuffer> {
    override get byteLength(): number {
      return never();
    }
    override get buffer(): ArrayBuffer {
      return never();
    }
    override toString = never;
  }
  class Day extends Date {
    override toISOString = never;
    override getTime = never;
    override valueOf = never;
    override toJSON = never;
  }
  const pattern = Object.defineProperties(/a/g, {
    source: { get: never },
    flags: { get: never },
    toString: { value: never },
  });
  const encoded = read([
    error,
    new Late(),
    new Table([["a", 1]]),
    new Bytes(Uint8Array.of(1, 2, 3).buffer),
    new Day(0),
    pattern,
  ]);
  assert.deepEqual(encoded, [
    {
      name: "<getter>",
      message: "kept",
      stack: "<getter>",
      code: 7,
      cause: "<getter>",
      errors: "<getter>",
    },
    { name: "Error", message: "<getter>", stack: "<getter>" },
    { a: 1 },
    { _type: "Uint8Array", base64: "AQID" },
    "1970-01-01T00:00:00.000Z",
    "/a/g",
  ]);
});

test("encoding never queries a proxy, at any position", () => {
  const proxies = [
    trapped({ a: 1 }),
    trapped([1]),
    trapped(() => 1),
    trapped(class Named {}),
    trapped(Promise.resolve()),
    trapped(new Map()),
    trapped(new Error("x")),
  ];
  for (const proxy of proxies) {
    assert.equal(toJsonText(proxy), '"<Proxy>"');
    assert.deepEqual(read({ deep: [{ proxy }], big: 1n }), {
      deep: [{ proxy: "<Proxy>" }],
      big: "1",
    });
    assert.deepEqual(read({ toJSON: () => proxy }), "<Proxy>");
  }
  class Heir {
    own = 1;
  }
  Object.setPrototypeOf(Heir.prototype, trapped({}));
  assert.deepEqual(read([new Heir()]), [{ own: 1 }]);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.match(read({ proxy }).proxy, /^<error: .*revoked/);
});

test("encoding trusts no tag and runs no iterator of the program", () => {
  const tags = ["Headers", "FormData", "Arguments", "Map", "Set", "Date", "URL", "Uint8Array"];
  for (const tag of tags) {
    const value = {
      kept: 1,
      length: 4e9,
      [Symbol.toStringTag]: tag,
      *[Symbol.iterator]() {
        for (;;) yield never();
      },
      *keys() {
        for (;;) yield never();
      },
      forEach: never,
      entries: never,
    };
    assert.equal(read(value).kept, 1, tag);
    const named = { [tag]: class {} }[tag];
    assert.deepEqual(read(Object.assign(new named(), { kept: 2 })), { kept: 2 }, tag);
  }
  const endless = {
    *[Symbol.iterator]() {
      for (;;) yield 1;
    },
  };
  assert.deepEqual(Object.keys(read([endless])[0]), []);
  class Loud extends Headers {
    override *keys(): ReturnType<Headers["keys"]> {
      for (;;) yield "again";
    }
  }
  assert.equal(read(new Loud({ "x-id": "secret" })), "<Headers: x-id>");
  const form = new FormData();
  for (let i = 0; i < 1000; i++) form.append("same", "secret");
  assert.equal(read(form), "<FormData: same, …>");
  (function (..._all: unknown[]) {
    Object.defineProperty(arguments, "1", { enumerable: true, get: never });
    arguments[Symbol.iterator] = never;
    assert.deepEqual(read({ given: arguments }), { given: [1, "<getter>", 3] });
  })(1, 2, 3);
});

test("encoding causes no unhandled rejection", async () => {
  const failing = {
    toJSON: () => Promise.reject(new Error("from toJSON")),
    get text() {
      return Promise.reject(new Error("from a getter"));
    },
  };
  assert.equal(toJsonText(failing), '"<Promise>"');
  let constructed = 0;
  class Counting<T> extends Promise<T> {
    constructor(run: ConstructorParameters<typeof Promise<T>>[0]) {
      super(run);
      constructed++;
    }
  }
  const rejected = Counting.reject(new Error("from toJSON"));
  assert.equal(toJsonText({ toJSON: () => rejected }), '"<Counting>"');
  assert.equal(constructed, 1, "the class of a promise is not asked for another one");
  assert.equal(rejected.constructor, Counting);
  // An unhandled rejection fails the test on every runtime, one turn of the event loop
  // later.
  await new Promise((resolve) => setTimeout(resolve, 0));
});
