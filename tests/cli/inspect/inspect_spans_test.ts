import assert from "node:assert/strict";
import { otelRequest } from "../../../src/protocol/otlp/otel_request.ts";
import { joinBytes } from "../../../src/protocol/otlp/wire.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";
import { spanRequests } from "../../support/otel/span_requests.ts";

const NAME = "acme/chat";
const NOON = Date.parse("2026-05-01T12:00:00Z");
const SLOW = { timeout: 120_000 };

/** Traces with a root and two children each, far enough apart to be distinguished. */
function traces(count: number): Promise<Uint8Array[]> {
  return spanRequests(Array.from({ length: count }, (_, i) => {
    const from = NOON + i * 60_000;
    return {
      name: `answer ${i}`,
      from,
      to: from + 3_000,
      children: [
        { name: "search", from: from + 500, to: from + 1_000 },
        { name: "generate", from: from + 1_000, to: from + 2_500, error: "no\u001b[2Jtokens" },
      ],
    };
  }));
}

test("inspect shows spans as rows with end time, name and error", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const requests = await traces(1);
  for (const request of requests) log.append("otel_traces", otelRequest(NAME, request));
  log.append("otel_agents", otelRequest(NAME, joinBytes(requests)));
  log.append("otel_agents", otelRequest(NAME, Uint8Array.of(255)));
  await log.finish();
  const { code, out } = await cli(["inspect"], { cwd: place.path });
  assert.equal(code, 0);
  const [, , search, generate, answer, several, corrupt] = out.split("\n");
  assert.match(search, /2026-05-01 12:00:01.000 +otel_traces +[0-9a-f]{12} +pending .* search$/);
  assert.match(generate, /12:00:02.500 +otel_traces .* generate ✗ no\ufffd\[2Jtokens$/);
  assert.match(answer, /12:00:03.000 +otel_traces .* answer 0$/);
  assert.match(several, /12:00:01.000 +otel_agents .* search and 2 more$/);
  assert.match(corrupt, /otel_agents +pending/);
  const json = await cli(["inspect", "--json", "--type", "otel_traces"], { cwd: place.path });
  const lines = json.out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ req }) => req),
    requests.map((request) => JSON.parse(otelRequest(NAME, request))),
  );
  const verify = await cli(["verify"], { cwd: place.path });
  assert.equal(verify.code, 0, verify.out);
}, SLOW);

test(
  "inspect --tree shows each trace once, also where its root is read long before its other spans",
  async () => {
    await using place = await temporary();
    const log = openLog(place.wal, NAME);
    const text = "x".repeat(3_500_000);
    const attributes = { text };
    const large = await spanRequests([{
      name: "large",
      from: NOON - 60_000,
      to: NOON - 59_000,
      children: [
        { name: "first", attributes, from: NOON - 60_000, to: NOON - 59_900 },
        { name: "second", attributes, from: NOON - 59_900, to: NOON - 59_500 },
      ],
    }]);
    for (const request of [...large, ...await traces(20)]) {
      log.append("otel_traces", otelRequest(NAME, request));
    }
    await log.finish();
    const { code, out } = await cli(["inspect", "--tree", "--limit", "0"], { cwd: place.path });
    assert.equal(code, 0);
    const lines = out.split("\n");
    assert.equal(lines.filter((line) => line.startsWith("trace ")).length, 21);
    assert.equal(lines.filter((line) => line.includes("3 calls")).length, 21);
    const [, trace, root, search, generate] = lines;
    assert.match(trace, /2026-05-01 12:19:00.000, 3 calls, .*, 1 failed$/);
    assert.match(root, /answer 19.* 3.0 s/);
    assert.match(search, /├─ search.* 500 ms/);
    assert.match(generate, /└─ generate.* 1.5 s.*no\ufffd\[2Jtokens/);
  },
  SLOW,
);
