import assert from "node:assert/strict";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { objectDigest, serverDigest } from "../../../src/protocol/digest/digest.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { isProvisional } from "../../../src/protocol/digest/provisional.ts";
import { test } from "../../harness.ts";

const projectInfo = (url: string) =>
  url.endsWith("/service/projects_info")
    ? Response.json([{ external_project_id: "team/demo", internal_project_id: "cHJvamVjdA==" }])
    : new Response("{}", { status: 404 });

test("publish: with the project's internal id known, a digest over refs is the server's", async () => {
  using fixture = await clientFixture({}, { answer: projectInfo });
  const ref = await fixture.client.publish(new Dataset({ name: "d", rows: [{ x: 1 }] }));
  const [{ obj }] = fixture.pipeline.of("obj_create");
  assert.equal(ref.digest, serverDigest(obj.val, () => "cHJvamVjdA=="));
  assert.notEqual(ref.digest, objectDigest(obj.val));
  await fixture.client.publish(new Dataset({ name: "e", rows: [{ x: 2 }] }));
  assert.equal(fixture.requests.length, 1, "it is asked once");
  const { url, init } = fixture.requests[0];
  assert.equal(url, "https://trace.wandb.ai/service/projects_info");
  assert.equal(init.body, '{"project_ids":["team/demo"]}');
  assert.equal((init.headers as Any).Authorization, `Basic ${btoa("api:secret-key")}`);
});

test("publish: without a server the digest over refs is provisional, at once", async () => {
  using fixture = await clientFixture({}, {
    answer: () => {
      throw new TypeError("fetch failed");
    },
  });
  const first = await fixture.client.publish(new Dataset({ name: "d", rows: [{ x: 1 }] }));
  const [{ obj }] = fixture.pipeline.of("obj_create");
  assert.ok(isProvisional(first.digest));
  assert.equal(
    obj.expected_digest,
    first.digest,
    "the sender learns from it which digest replaces which",
  );
  await fixture.client.publish(new Dataset({ name: "e", rows: [{ x: 2 }] }));
  assert.equal(fixture.requests.length, 1, "a server that is away is not asked again and again");
});

test("publish: the internal id is cached on disk for the next run", async () => {
  const walDir = "/var/wal";
  using first = await clientFixture({ wal: true, walDir }, { answer: projectInfo });
  await first.client.publish(new Dataset({ name: "d", rows: [{ x: 1 }] }));
  const kept = first.runtime.files.readText(`${walDir}/.known.json`);
  assert.doesNotMatch(kept, /secret-key/);
  using second = await clientFixture({ wal: true, walDir }, { disk: first.runtime.disk });
  const ref = await second.client.publish(new Dataset({ name: "d", rows: [{ x: 1 }] }));
  const [{ obj }] = second.pipeline.of("obj_create");
  assert.equal(ref.digest, serverDigest(obj.val, () => "cHJvamVjdA=="));
  assert.equal(second.requests.length, 0);
  using other = await clientFixture({ wal: true, walDir, serverUrl: "https://other" }, {
    disk: first.runtime.disk,
  });
  await other.client.publish(new Dataset({ name: "d", rows: [{ x: 1 }] }));
  assert.equal(other.requests.length, 1, "another server has ids of its own");
});
