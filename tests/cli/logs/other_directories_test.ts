import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { KEY, leave } from "../../support/cli/flush_fixture.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const NOWHERE = "http://127.0.0.1:9";
const SLOW = { timeout: 120_000 };

/** Makes files, with their directories. */
function plant(directory: string, ...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), "text\n");
  }
}

const check = (dir: string) =>
  cli(["status", "--dir", dir, "--fail-if-older", "10m", "--fail-if-unsent"], { cwd: dir });

test(
  "status: a check of a directory that holds no logs is an error, whatever it holds",
  async () => {
    await using place = await temporary();
    plant(join(place.path, "code"), "README.md", "src/module/index.ts", "src/empty/.keep");
    plant(join(place.path, "system"), "bin/tool", "share/empty/.keep", "share/doc/page.txt");
    plant(join(place.path, "deep"), "one/two/three/file.txt", ".gitignore");
    const weave = join(place.path, "program", ".weave");
    await leave(join(weave, "wal"), NAME, NOWHERE, 2);
    const wrong = [
      "code",
      "system",
      "deep",
      "program",
      "program/.weave",
      "program/.weave/wal/acme",
    ];
    for (const name of wrong) {
      const dir = join(place.path, name);
      const { code, err } = await check(dir);
      assert.equal(code, 2, `${name}: ${err}`);
      assert.match(err, /^error: Cannot find a log in /, name);
      const { out } = await cli(["status", "--dir", dir], { cwd: dir });
      assert.match(out, /^Cannot find a log in .*\n {2}No program has written a log there/, name);
      const json = await cli(["status", "--dir", dir, "--json"], { cwd: dir });
      assert.deepEqual(JSON.parse(json.out).projects, [], name);
      assert.match(json.err, /^Cannot find a log in /, name);
      const flush = await cli(["flush", "--dir", dir], {
        cwd: dir,
        env: { WANDB_API_KEY: KEY, WF_TRACE_SERVER_URL: NOWHERE },
      });
      assert.match(flush.out, /Cannot find a log in /, name);
    }
    const right = await check(join(weave, "wal"));
    assert.equal(right.code, 1);
    assert.match(right.err, /\(--fail-if-unsent\): acme\/chat: 4 records pending/);
  },
  SLOW,
);

test(
  "status: a directory whose records are all delivered is a log, with or without marks",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const log = openLog(place.wal, NAME, { server: mock.url, key: KEY });
    writeCalls(log, NAME, 2);
    assert.equal((await log.finish()).done, true);
    assert.equal((await check(place.wal)).code, 0);
    rmSync(join(place.wal, ".gitignore"));
    assert.equal((await check(place.wal)).code, 0, "without .gitignore");
    plant(place.wal, ".gitignore", "acme/chat/.known.json");
    assert.equal((await check(place.wal)).code, 0, "with another .gitignore");
  },
  SLOW,
);

test("status: logs among other files are found, and only they", async () => {
  await using place = await temporary();
  await leave(place.wal, NAME, NOWHERE, 1);
  plant(place.wal, "README.md", "acme/notes/todo.txt", "other/empty/.keep");
  rmSync(join(place.wal, ".gitignore"));
  rmSync(join(place.wal, ".processes"), { recursive: true });
  const { out } = await cli(["status", "--json", "--dir", place.wal], { cwd: place.path });
  const names = JSON.parse(out).projects.map(({ project }: { project: string }) => project);
  assert.deepEqual(names, ["chat"]);
}, SLOW);
