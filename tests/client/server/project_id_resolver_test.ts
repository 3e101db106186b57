import assert from "node:assert/strict";
import type { ApiClient } from "../../../src/client/server/api_client.ts";
import { MetadataCache } from "../../../src/client/server/metadata_cache.ts";
import { ProjectIdResolver } from "../../../src/client/server/project_id_resolver.ts";
import { WeaveWalError } from "../../../src/errors.ts";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

/** A resolver, and the number of its requests, each answered by `answer`. */
function scene(answer: () => unknown) {
  const world = new LogWorld();
  const runtime = world.process();
  const facts = new MetadataCache(runtime, "https://trace.example", null);
  const counts = { requests: 0 };
  const json = () => {
    counts.requests++;
    return Promise.resolve().then(answer);
  };
  const resolver = new ProjectIdResolver(facts, { json } as unknown as ApiClient, runtime.clock);
  return { runtime, clock: world.clock, resolver, counts };
}

test("project ID: while the server is down, it is requested once in half a minute", async () => {
  const { runtime, clock, resolver, counts } = scene(() => {
    throw new Error("down");
  });
  for (let i = 0; i < 5; i++) await resolver.resolve("team/project");
  assert.equal(counts.requests, 1);
  await clock.elapse(29_000);
  await resolver.resolve("team/project");
  assert.equal(counts.requests, 1);
  await clock.elapse(2_000);
  await resolver.resolve("team/project");
  assert.equal(counts.requests, 2);
  runtime.exit();
});

test("project ID: a server without this endpoint is asked once", async () => {
  const { runtime, clock, resolver, counts } = scene(() => {
    throw new WeaveWalError("ERR_REQUEST_FAILED", "no such route", { status: 404 });
  });
  for (let i = 0; i < 3; i++) {
    await resolver.resolve("team/project");
    await clock.elapse(3_600_000);
  }
  assert.equal(counts.requests, 1);
  runtime.exit();
});

test("project ID: concurrent questions are one request, and a known ID needs none", async () => {
  const { runtime, resolver, counts } = scene(() => [
    { external_project_id: "team/project", internal_project_id: "UHJvamVjdA" },
  ]);
  await Promise.all([1, 2, 3].map(() => resolver.resolve("team/project")));
  assert.equal(resolver.get("team/project"), "UHJvamVjdA");
  await resolver.resolve("team/project");
  assert.equal(counts.requests, 1);
  runtime.exit();
});
