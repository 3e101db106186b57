/**
 * The drop-in in programs that repeatedly make clients durable, in one bundle or several.
 *
 * @module
 */

import assert from "node:assert/strict";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { bundled } from "../support/bundle.ts";
import { SdkProject } from "../support/drop_in/register_fixture.ts";
import { test } from "../harness.ts";
import { writeFileSync } from "node:fs";

test("durable: thirty clients of one project, of ten copies of the package, have one log", async () => {
  await using mock = await startMockServer();
  using project = new SdkProject();
  for (let i = 0; i < 10; i++) {
    copyFileSync(bundled("src/drop_in/durable.ts"), join(project.directory, `copy${i}.mjs`));
  }
  writeFileSync(
    join(project.directory, "main.mjs"),
    `
    import process from "node:process";
    import { readdirSync } from "node:fs";
    import * as weave from "weave";
    let flush;
    for (let i = 0; i < 30; i++) {
      const copy = await import(\`./copy\${i % 10}.mjs\`);
      copy.durable(await weave.init("team/copies", { printCallLink: false }), { onEvent: () => {} });
      await weave.op(function work(n) { return n; })(i);
      flush = copy.flush;
    }
    const names = readdirSync(process.env.LOGS).filter((name) => name.endsWith(".jsonl"));
    const { done, delivered } = await flush();
    console.log(JSON.stringify({ logs: names.length, done, delivered }));
    `,
  );
  const LOGS = join(project.walDir, "team/copies");
  const { code, lines, errors } = await project.run("main.mjs", {
    preload: false,
    env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url, LOGS },
  });
  assert.equal(code, 0, errors);
  const { logs, done, delivered } = JSON.parse(lines.at(-1)!);
  assert.deepEqual([logs, done], [1, true]);
  assert.ok(delivered >= 60 && delivered < 200, `${delivered} counted once each`);
  assert.equal(mock.store.finishedCount("team/copies"), 30);
  assert.doesNotMatch(errors, /MaxListeners/);
  assert.deepEqual(readdirSync(LOGS).filter((name) => name.endsWith(".jsonl")), []);
});
