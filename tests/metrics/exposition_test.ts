import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { formatFor, MetricSamples } from "../../src/metrics/exposition.ts";
import { logMetrics } from "../../src/metrics/log_metrics.ts";
import { LABELS, METRICS, RELAY_METRICS } from "../../src/metrics/metric_list.ts";
import { projectPath } from "../support/cli/cli_support.ts";
import { FACTS } from "../support/metrics/facts.ts";
import { noPromtool, promtool } from "../support/metrics/promtool.ts";
import { test } from "../harness.ts";

function samples(): MetricSamples {
  const made = new MetricSamples();
  made.add(METRICS.build, ["1.2.3"], 1);
  made.add(METRICS.pendingBytes, ["acme", "chat"], 620);
  made.add(METRICS.dropped, ["acme", "chat", "1@a", "quota-new"], 7);
  made.add(METRICS.dropped, ["acme", "chat", "1@a", "quota-new"], 2);
  made.time(METRICS.lastDelivery, ["http://s", "1@a"], 1_790_000_000_500);
  made.time(METRICS.nextAttempt, ["http://s", "1@a"], null);
  return made;
}

test("metrics: OpenMetrics text names families, units and the end", () => {
  assert.equal(
    samples().text("openmetrics"),
    `# TYPE weave_wal_build info
# HELP weave_wal_build Version of the program that exports these metrics.
weave_wal_build_info{version="1.2.3"} 1
# TYPE weave_wal_pending_bytes gauge
# UNIT weave_wal_pending_bytes bytes
# HELP weave_wal_pending_bytes Bytes of undelivered records on disk.
weave_wal_pending_bytes{entity="acme",project="chat"} 620
# TYPE weave_wal_dropped_records counter
# HELP weave_wal_dropped_records Lost records: dropped because of a limit or a failure.
weave_wal_dropped_records_total{entity="acme",project="chat",process="1@a",cause="quota-new"} 9
# TYPE weave_wal_last_delivery_timestamp_seconds gauge
# UNIT weave_wal_last_delivery_timestamp_seconds seconds
# HELP weave_wal_last_delivery_timestamp_seconds Time at which a sender last delivered records. Absent before the first delivery.
weave_wal_last_delivery_timestamp_seconds{server="http://s",process="1@a"} 1790000000.5
# EOF
`,
  );
});

test("metrics: the older Prometheus text has no units, no info and no end", () => {
  const text = samples().text("prometheus");
  assert.match(text, /^# HELP weave_wal_build_info .*\n# TYPE weave_wal_build_info gauge\n/);
  assert.match(text, /\n# TYPE weave_wal_dropped_records_total counter\nweave_wal_dropped_rec/);
  assert.ok(!text.includes("# UNIT") && !text.includes("# EOF"));
});

test("metrics: a scraper gets the format that it asks for", () => {
  const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
  assert.equal(formatFor(accept), "openmetrics");
  assert.deepEqual(["text/plain", "*/*", null, undefined].map(formatFor), [
    "prometheus",
    "prometheus",
    "prometheus",
    "prometheus",
  ]);
});

test("metrics: values of labels break no line and control no terminal", () => {
  const made = new MetricSamples();
  made.add(METRICS.deadLetters, ['a"b', "c\\d\ne", "\u001b[31m\ud83d"], 1);
  assert.match(
    made.text("openmetrics"),
    /\nweave_wal_dead_letters\{entity="a\\"b",project="c\\\\d\\ne",reason="\ufffd\[31m\ufffd"\} 1\n/,
  );
});

test("metrics: every metric is made from the facts, with labels that are explained", () => {
  const text = logMetrics(FACTS).text("openmetrics");
  for (const { name, labels, help, unit } of Object.values(METRICS)) {
    const line = text.split("\n").find((line) => line.startsWith(`${name}{`));
    assert.ok(line, name);
    assert.deepEqual([...line.matchAll(/(\w+)="/g)].map(([, label]) => label), labels, name);
    for (const label of labels) assert.ok(Object.hasOwn(LABELS, label), label);
    assert.match(help, /^[A-Z1].*\.$/, name);
    if (unit !== undefined) assert.ok(name.endsWith(`_${unit}`), name);
  }
});

test("metrics: the page of the documentation lists exactly these metrics and labels", () => {
  const page = readFileSync(projectPath("docs/operations/metrics.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const plain = (text: string) => text.replaceAll("`", "").replace(/\s+/g, " ");
  const metrics = Object.values({ ...METRICS, ...RELAY_METRICS }).map((
    { name, type, labels, help },
  ) => [
    name,
    type,
    labels.join(", "),
    help.replace(/\.$/, ""),
  ]);
  const labels = Object.entries(LABELS).map(([label, help]) => [label, plain(help)]);
  assert.deepEqual(
    rows.filter(({ length }) => length === 4).map((cells) => cells.map(plain)),
    metrics,
  );
  assert.deepEqual(
    rows.filter(({ length }) => length === 2).map((cells) => cells.map(plain)),
    labels,
  );
});

test("metrics: promtool finds no fault with names, units and help", () => {
  promtool(["check", "metrics"], { input: logMetrics(FACTS).text("prometheus") });
}, { skip: noPromtool });
