/**
 * Several copies of the package in one process: bundles, nested `node_modules`, hot
 * reloads.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { PROTOCOL } from "../../src/runtime/process/shared_state.ts";
import { VERSION } from "../../src/version.ts";
import { type RunOptions, UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

const on = (mock: MockServer, more: Record<string, string> = {}): RunOptions => ({
  env: {
    WEAVE_ENABLE_WAL: "true",
    WF_TRACE_SERVER_URL: mock.url,
    WEAVE_LOG_LEVEL: "warning",
    ...more,
  },
});

test("copies: ops of one copy are recorded by the client opened by another, in one tree", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("instrumentation.mjs");
  project.copy("node_modules/nested/index.mjs");
  project.copy("routes.mjs");
  project.write(
    "main.mjs",
    `
    import { init } from "./instrumentation.mjs";
    import { isOp, op, withAttributes } from "./routes.mjs";
    import * as nested from "./node_modules/nested/index.mjs";
    const client = await init("team/copies");
    const leaf = nested.op(async function leaf() { return nested.requireCurrentCallStackEntry().callId; });
    const route = op(async function route() {
      await Promise.resolve();
      return await withAttributes({ from: "routes" }, async () => await leaf());
    });
    await route();
    console.log(JSON.stringify({
      knows: nested.isOp(route) && isOp(leaf),
      same: client === await nested.init("team/copies") && client instanceof nested.WeaveClient,
      done: (await nested.finish()).done,
      plain: await route().then(() => "called", () => "no call"),
    }));
    `,
  );
  const { code, lines, errors } = await project.run("main.mjs", on(mock));
  assert.equal(errors, "");
  assert.deepEqual([code, JSON.parse(lines[0])], [
    0,
    { knows: true, same: true, done: true, plain: "no call" },
  ]);
  const calls = mock.store.calls("team/copies");
  const [route] = calls.filter(({ op_name }) => op_name!.includes("/route:"));
  const [leaf] = calls.filter(({ op_name }) => op_name!.includes("/leaf:"));
  assert.deepEqual([calls.length, leaf.parent_id, leaf.trace_id], [2, route.id, route.trace_id]);
  assert.equal(leaf.attributes.from, "routes");
  assert.equal(leaf.output, leaf.id);
});

test("copies: objects created by one copy are saved correctly by another", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("a.mjs");
  project.copy("b.mjs");
  project.write(
    "main.mjs",
    `
    import * as a from "./a.mjs";
    import * as b from "./b.mjs";
    const client = await a.init("team/copies");
    class Model extends b.WeaveObject { constructor() { super({ name: "model" }); this.size = 7; } }
    const model = new Model();
    const dataset = new b.Dataset({ name: "rows", rows: [{ n: 1 }, { n: 2 }] });
    const [ref] = await Promise.all([dataset.save(), b.publish(model), client.publish({ ref: new b.ObjectRef("team/copies", "x", "y") }, "holder")]);
    b.op(function uses(given) { return given; })({ dataset, model, row: dataset.getRow(0) });
    const found = [];
    found.push(await a.init("team/copies", { lingerMs: -1 }).catch((error) => error instanceof b.WeaveWalError));
    found.push(ref instanceof b.ObjectRef, model instanceof a.WeaveObject, dataset instanceof a.Dataset);
    found.push(dataset instanceof Model, {} instanceof b.WeaveObject, new Error("x") instanceof b.WeaveWalError);
    await a.finish();
    console.log(JSON.stringify(found));
    `,
  );
  const { code, lines, errors } = await project.run("main.mjs", on(mock));
  assert.equal(errors, "");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(lines[0]), [true, true, true, true, false, false, false]);
  const { objects } = mock.store.project("team/copies");
  assert.equal((objects.get("rows")![0].val as { _type: string })._type, "Dataset");
  const [model] = objects.get("model")!;
  assert.deepEqual((model.val as { _bases: string[] })._bases, ["Object", "BaseModel"]);
  const [call] = mock.store.calls("team/copies");
  const { dataset, model: saved, row } = (call.inputs as { arg0: Record<string, string> }).arg0;
  assert.match(dataset, /^weave:\/\/\/team\/copies\/object\/rows:/);
  assert.match(saved, /^weave:\/\/\/team\/copies\/object\/model:/);
  assert.match(row, /\/attr\/rows\/id\//);
  const [holder] = objects.get("holder")!;
  assert.deepEqual(holder.val, { ref: "weave:///team/copies/object/x:y" });
});

test("copies: thirty hot reloads leave one log, one sender, and no warnings about listeners", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  for (let i = 0; i < 30; i++) project.copy(`reload${i}.mjs`);
  project.write(
    "main.mjs",
    `
    import process from "node:process";
    import { readdirSync } from "node:fs";
    let flush;
    for (let i = 0; i < 30; i++) {
      const copy = await import(\`./reload\${i}.mjs\`);
      // A module that is loaded again makes new closures.
      await copy.init("team/reloads", { onEvent: ({ name }) => globalThis.last = \`\${i} \${name}\` });
      copy.op(function handler(n) { return n; })(i);
      flush = copy.flush;
    }
    const logs = readdirSync(process.env.LOGS).filter((name) => name.endsWith(".jsonl"));
    const { done } = await flush();
    const listeners = ["exit", "beforeExit", "SIGTERM"].map((event) => process.listenerCount(event));
    console.log(JSON.stringify({ logs: logs.length, done, few: listeners.every((count) => count < 5) }));
    `,
  );
  const LOGS = join(project.walDir, "team/reloads");
  const { code, lines, errors } = await project.run("main.mjs", on(mock, { LOGS }));
  assert.equal(errors, "");
  assert.deepEqual([code, JSON.parse(lines[0])], [0, { logs: 1, done: true, few: true }]);
  assert.equal(mock.store.finishedCount("team/reloads"), 30);
  assert.deepEqual(project.logs("team/reloads"), []);
});

test("copies: two incompatible versions report that once, whichever opens the client", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  const own = `PROTOCOL = ${PROTOCOL};`;
  project.copy("a.mjs");
  const text = readFileSync(join(project.directory, "a.mjs"), "utf8");
  assert.equal(text.split(own).length, 2, "the built copy holds its protocol once");
  const later = text.replace(own, `PROTOCOL = ${PROTOCOL + 1};`).replace(`"${VERSION}"`, '"9.0.0"');
  project.write("later.mjs", later);
  const program = (opening: string, other: string) => `
    import { init, finish, flush } from "./${opening}";
    globalThis.order === "loaded first" && await import("./${other}");
    await init("team/versions");
    const { op } = await import("./${other}");
    if (op(function lost() { return 1; })() !== 1) throw new Error("an op is a plain call");
    await init("team/versions");
    await finish();
  `;
  const order = 'globalThis.order = "loaded first";';
  for (const [opening, other] of [["a.mjs", "later.mjs"], ["later.mjs", "a.mjs"]]) {
    for (const first of ["", order]) {
      project.write("order.mjs", first);
      project.write("main.mjs", `import "./order.mjs";\n${program(opening, other)}`);
      const { code, errors } = await project.run("main.mjs", on(mock));
      assert.equal(code, 0, errors);
      assert.equal(errors.match(/cannot share their state/g)?.length, 1, `${opening} ${first}`);
      assert.match(errors, new RegExp(`Versions ${VERSION} and 9.0.0 of @weave-wal/client`));
    }
  }
});
