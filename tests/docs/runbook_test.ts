/**
 * The index of the runbook matches the messages of the library and the command: every
 * name that requires attention has an entry, every entry occurs in the sources, and
 * messages of real incidents are found in the index.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { adviseOn } from "../../src/cli/status/advice.ts";
import { type CheckFlags, checkNames, runChecks } from "../../src/cli/status/checks.ts";
import { headingIds } from "../../scripts/docs/links.ts";
import { projectPath } from "../support/cli/cli_support.ts";
import {
  RUNBOOK as PAGE,
  RUNBOOK_INDEX as index,
  runbookEntry,
} from "../support/docs/runbook_index.ts";
import { ScrapedWorld } from "../support/metrics/scraped_world.ts";
import { SERVER } from "../support/wal/wal_fixture.ts";
import { test } from "../harness.ts";

/** The texts in the sources, with literals joined and values replaced with `…`. */
function sourceTexts(): string {
  const folders = ["src/cli", "src/client", "src/relay", "src/jetstream"];
  return folders.flatMap((folder) =>
    readdirSync(projectPath(folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(projectPath(`${folder}/${name}`), "utf8"))
  ).join("\n").replace(/["'`]\s*\+\s*["'`]/g, "").replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…");
}

test("runbook: every entry of the index leads to a section", () => {
  assert.ok(index.length >= 30, `${index.length} entries`);
  const rows = PAGE.split("\n").filter((line) => /^\| `.*\| \[.*\]\(#[\w-]+\)/.test(line));
  assert.equal(rows.length, index.length, "each row can be read");
  const headings = headingIds(PAGE);
  for (const { text, anchor } of index) assert.ok(headings.includes(anchor), `${text}: #${anchor}`);
});

test("runbook: every entry of the index occurs in the sources", () => {
  const sources = sourceTexts();
  for (const { text } of index) {
    const parts = text.split("…").filter((part) => /[a-z]{3}/i.test(part));
    for (const part of parts) {
      const words = part.replace(/^\W+|\W+$/g, "").replace(/ (?:is|are)$/, "");
      assert.ok(sources.includes(words), `${text}: ${words}`);
    }
  }
});

test("runbook: every name that requires attention has an entry", () => {
  const events = readFileSync(projectPath("src/client/pipeline/status/events.ts"), "utf8");
  const settings = readFileSync(projectPath("docs/settings.md"), "utf8");
  const [, ofTheLog] = /\/\/ Delivery\n([^]*?)\/\/ What is recorded/.exec(events)!;
  const serious = new Set(
    [...settings.matchAll(/^\| `([\w-]+)` +\| (?:warn|error) +\|/gm)].map(([, name]) => name),
  );
  const names = [
    ...[...ofTheLog.matchAll(/"([\w-]+)"/g)].map(([, name]) => name)
      .filter((name) => serious.has(name)),
    "untrusted-directory",
    ...checkNames(),
    ...adviceNames(),
  ];
  assert.ok(names.length > 25, names.join());
  const indexed = new Set(index.map(({ name }) => name));
  assert.deepEqual(names.filter((name) => !indexed.has(name)), []);
});

function adviceNames(): string[] {
  const advice = readFileSync(projectPath("src/cli/status/advice.ts"), "utf8");
  const undrained = readFileSync(projectPath("src/cli/status/state/undrained.ts"), "utf8");
  const [, kinds] = /type Kind = (.*);/.exec(undrained)!;
  return [
    ...[...advice.matchAll(/\badd\("\w+", "([\w-]+)"|name: "([\w-]+)"/g)].map(([, a, b]) => a ?? b),
    ...[...kinds.matchAll(/"([\w-]+)"/g)].map(([, kind]) => kind),
  ];
}

/** Makes something go wrong. */
type Incident = (scene: ScrapedWorld) => void;

const INCIDENTS: Readonly<Record<string, { happens: Incident; names: readonly string[] }>> = {
  "server down": {
    happens(scene) {
      scene.world.server.refuse = () => ({ status: 503, body: {} });
      scene.append(scene.start().pipeline);
    },
    names: ["server-down", "fail-if-down", "fail-if-older"],
  },
  "key revoked": {
    happens(scene) {
      scene.world.server.refuse = () => ({ status: 401, body: {} });
      scene.append(scene.start().pipeline);
    },
    names: ["server-blocked", "fail-if-blocked"],
  },
  "disk full": {
    happens(scene) {
      scene.world.server.refuse = () => ({ status: 503, body: {} });
      const { pipeline, runtime } = scene.start();
      scene.append(pipeline);
      runtime.fault = ({ kind }) =>
        kind === "write" || kind === "create" ? { code: "ENOSPC" } : undefined;
      scene.append(pipeline);
    },
    names: ["disk-failed", "disk-error", "fail-if-in-memory"],
  },
  "no fsync": {
    happens(scene) {
      const { pipeline, runtime } = scene.start();
      runtime.fault = ({ kind }) => kind === "sync" ? { code: "ENOTSUP" } : undefined;
      scene.append(pipeline);
    },
    names: ["sync-unsupported", "fail-if-unsynced"],
  },
  "quota reached": {
    happens(scene) {
      const { pipeline } = scene.start({ maxDiskBytes: 2_000, sender: false });
      for (let n = 0; n < 50; n++) scene.append(pipeline);
    },
    names: ["dropped", "quota", "no-sender", "fail-if-quota", "fail-if-dropped", "fail-if-unsent"],
  },
  "poison records": {
    happens(scene) {
      scene.world.server.refuse = () => ({ status: 422, body: { detail: "no" } });
      scene.append(scene.start().pipeline);
    },
    names: ["dead-letter", "dead-letters", "fail-if-dead-letters"],
  },
  "a process has ended": {
    happens(scene) {
      const { pipeline, runtime } = scene.start({ sender: false });
      scene.append(pipeline);
      runtime.exit();
    },
    names: ["orphaned", "fail-if-unsent"],
  },
};

const CHECKS: CheckFlags = {
  failIfOlder: 1_000,
  failIfDeadLetters: true,
  failIfDropped: true,
  failIfBlocked: true,
  failIfInMemory: true,
  failIfUnsynced: true,
  failIfDown: 1_000,
  failIfUnsent: true,
  failIfQuota: 80,
};

for (const [incident, { happens, names }] of Object.entries(INCIDENTS)) {
  test(`runbook: the messages of an incident are in the index: ${incident}`, async () => {
    const scene = new ScrapedWorld();
    happens(scene);
    await scene.pass(2);
    const report = await scene.report();
    const messages = [
      ...scene.events.map(({ name, message }) => ({ name, message })),
      ...adviseOn(report, { server: SERVER }).map(({ name, message }) => ({ name, message })),
      ...runChecks(report, CHECKS).flatMap(({ name, problems }) =>
        problems.map((problem) => ({ name, message: problem.replace(/^[\w/-]+: /, "") }))
      ),
    ];
    for (const { name, message } of messages) {
      assert.ok(runbookEntry(name, message), `${name}: ${message}`);
    }
    for (const name of names) assert.ok(messages.some((one) => one.name === name), `no ${name}`);
  });
}
