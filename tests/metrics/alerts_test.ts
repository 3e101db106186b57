import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { METRICS } from "../../src/metrics/metric_list.ts";
import { projectPath } from "../support/cli/cli_support.ts";
import { noPromtool, promtool } from "../support/metrics/promtool.ts";
import { assertFiring, RULES, ScrapedWorld } from "../support/metrics/scraped_world.ts";
import { test } from "../harness.ts";

const DASHBOARD = "docs/operations/grafana/weave-wal.json";
const OPTIONS = { skip: noPromtool, timeout: 120_000 };

test("alerts: the rules are valid", () => {
  promtool(["check", "rules", RULES]);
}, OPTIONS);

test("alerts: none fires while everything works", async () => {
  const scene = new ScrapedWorld();
  const { pipeline } = scene.start();
  await scene.pass(30, () => scene.append(pipeline));
  scene.assertFiring();
}, OPTIONS);

test("alerts: an unreachable server and the growing age of records", async () => {
  const scene = new ScrapedWorld();
  const { pipeline } = scene.start();
  scene.world.server.refuse = () => ({ status: 503, body: {} });
  await scene.pass(25, () => scene.append(pipeline));
  scene.assertFiring("WeaveWalServerDown");
  await scene.pass(45, () => scene.append(pipeline));
  scene.assertFiring("WeaveWalOldRecords", "WeaveWalServerDown");
  scene.world.server.refuse = () => null;
  await scene.pass(10);
  scene.assertFiring();
}, OPTIONS);

test("alerts: a rejected key", async () => {
  const scene = new ScrapedWorld();
  const { pipeline } = scene.start();
  scene.world.server.refuse = () => ({ status: 401, body: {} });
  await scene.pass(10, () => scene.append(pipeline));
  scene.assertFiring("WeaveWalBlocked");
}, OPTIONS);

test(
  "alerts: records that a quota drops, a quota that is nearly used, and one that soon is",
  async () => {
    const scene = new ScrapedWorld();
    const { pipeline } = scene.start({ maxDiskBytes: 30_000, sender: false });
    await scene.pass(30, () => scene.append(pipeline));
    scene.assertFiring("WeaveWalQuotaFullSoon", "WeaveWalUnsent");
    await scene.pass(30, () => {
      for (let n = 0; n < 10; n++) scene.append(pipeline);
    });
    scene.assertFiring(
      "WeaveWalQuotaNearlyUsed",
      "WeaveWalRecordsLost",
      "WeaveWalUnsent",
    );
  },
  OPTIONS,
);

test("alerts: a full disk", async () => {
  const scene = new ScrapedWorld();
  const { pipeline, runtime } = scene.start();
  scene.append(pipeline);
  runtime.fault = ({ kind }) =>
    kind === "write" || kind === "create" ? { code: "ENOSPC" } : undefined;
  scene.world.server.refuse = () => ({ status: 503, body: {} });
  await scene.pass(5, () => scene.append(pipeline));
  scene.assertFiring("WeaveWalDiskFailing");
}, OPTIONS);

test("alerts: records that cannot be fsynced", async () => {
  const scene = new ScrapedWorld();
  const { pipeline, runtime } = scene.start();
  runtime.fault = ({ kind }) => kind === "sync" ? { code: "ENOTSUP" } : undefined;
  await scene.pass(5, () => scene.append(pipeline));
  scene.assertFiring("WeaveWalUnsynced");
}, OPTIONS);

test("alerts: records without a sender", async () => {
  const scene = new ScrapedWorld();
  const { pipeline, runtime } = scene.start({ sender: false });
  scene.append(pipeline);
  runtime.exit();
  await scene.pass(15);
  scene.assertFiring("WeaveWalUnsent");
}, OPTIONS);

test("alerts: dead letters", async () => {
  const scene = new ScrapedWorld();
  const { pipeline } = scene.start();
  scene.world.server.refuse = () => ({ status: 422, body: { detail: "no" } });
  scene.append(pipeline);
  await scene.pass(3);
  scene.assertFiring("WeaveWalDeadLetters");
}, OPTIONS);

test("alerts: no metrics at all", () => {
  assertFiring([{ series: "up", values: "1x20" }], 15, ["WeaveWalNoMetrics"]);
}, OPTIONS);

test("dashboard: each panel has an expression that Prometheus accepts", () => {
  const { panels } = JSON.parse(readFileSync(projectPath(DASHBOARD), "utf8")) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const rules = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ record: "panel:expr", labels: { title, expr }, expr }))
  );
  assert.ok(rules.length >= panels.length && panels.length > 10);
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-dashboard-"));
  try {
    const file = join(directory, "rules.yaml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    promtool(["check", "rules", file]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, OPTIONS);

test("alerts and the dashboard use only existing metrics and labels", () => {
  const names = new Map<string, readonly string[]>(
    Object.values(METRICS).map(({ name, labels }) => [name, labels]),
  );
  for (const file of [RULES, projectPath(DASHBOARD)]) {
    // In JSON, the quotes of an expression are escaped.
    const text = readFileSync(file, "utf8").replaceAll("\\", "");
    const used = [...text.matchAll(/\bweave_wal_\w+/g)].map(([name]) => name);
    assert.ok(used.length > 10, file);
    assert.deepEqual(used.filter((name) => !names.has(name)), [], file);
    for (const [, name, selector] of text.matchAll(/\b(weave_wal_\w+)\{([^}]*)\}/g)) {
      for (const [, label] of selector.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)) {
        assert.ok(names.get(name)!.includes(label), `${file}: ${name}: ${label}`);
      }
    }
  }
});
