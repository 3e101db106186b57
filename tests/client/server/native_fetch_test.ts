import assert from "node:assert/strict";
import { finish, init, publish } from "../../../src/client/init.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { test } from "../../harness.ts";

test("native fetch: a fetch replaced before init gets none of the package's requests", async () => {
  await using mock = await startMockServer();
  const { fetch } = globalThis;
  let requests = 0;
  globalThis.fetch = new Proxy(fetch, {
    apply: (target, _, given: Parameters<typeof fetch>) => {
      requests++;
      return target(...given);
    },
  });
  try {
    await init("team/replaced", { wal: false, apiKey: "key", serverUrl: mock.url });
    await publish({ n: 1 }, "settings");
    assert.equal((await finish()).done, true);
  } finally {
    globalThis.fetch = fetch;
  }
  assert.equal(mock.store.project("team/replaced").objects.size, 1);
  assert.equal(requests, 0);
});
