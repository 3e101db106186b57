import assert from "node:assert/strict";
import { REDACTED, redactor } from "../../../src/delivery/http/redact.ts";
import { basicAuth } from "../../../src/delivery/http/transport.ts";
import { ApiClient } from "../../../src/client/server/api_client.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { start, withDelivery } from "../../support/delivery/delivery_fixture.ts";
import { withHealth } from "../../support/delivery/fake_replies.ts";

const KEYS = [
  "k".repeat(40),
  "local-0123456789abcdef",
  'with "quotes" & ümläuts/+',
  "a>>>b???c~~~",
];

/** The encodings in which a response may contain a key. */
function formsOf(key: string): string[] {
  const encoded = basicAuth(key).slice("Basic ".length);
  const forURL = encoded.replaceAll("+", "-").replaceAll("/", "_");
  return [key, encoded, encoded.replace(/=+$/, ""), forURL, encodeURIComponent(key)];
}

for (const key of KEYS) {
  test(`redact: a key is removed in every form: ${key.slice(0, 12)}`, () => {
    const redact = redactor(key);
    for (const form of formsOf(key)) {
      const clean = redact(`{"authorization":"Basic ${form}","again":"${form}"}`);
      for (const other of formsOf(key)) assert.ok(!clean.includes(other), clean);
      assert.ok(clean.includes(REDACTED));
    }
    assert.equal(redact("nothing of it"), "nothing of it");
  });

  test(`redact: no dead letter, event, error or statistic contains it: ${key.slice(0, 12)}`, async () => {
    const echo: Fetch = (_, init) =>
      Promise.resolve(
        Response.json({ detail: [{ headers: init!.headers, key, url: encodeURIComponent(key) }] }, {
          status: 422,
        }),
      );
    await withDelivery({ callMode: "old" }, async (fixture) => {
      const pipeline = fixture.open({ apiKey: key, fetch: withHealth(echo) });
      pipeline.append("call_start", start("a"));
      assert.equal((await pipeline.flush()).deadLettered, 1);
      const seen = JSON.stringify([
        fixture.deadLetters(),
        fixture.events,
        await pipeline.stats(),
      ]);
      for (const form of formsOf(key)) assert.ok(!seen.includes(form), seen);
    });
    const reader = new ApiClient({
      fetch: echo,
      clock: detectRuntime().clock,
      url: "http://server.test",
      apiKey: key,
      timeoutMs: 1_000,
    });
    const error = await reader.json("/server_info").catch((error: Error) => error) as Error;
    for (const form of formsOf(key)) assert.ok(!error.message.includes(form), error.message);
  });
}

test("redact: without a key, and with one that is too short to be one, texts stay as they are", () => {
  for (const key of [undefined, "", "a"]) assert.equal(redactor(key)("an apple"), "an apple");
});
