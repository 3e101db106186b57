/**
 * `client.traceServerApi`: the requests of the official SDK's generated client.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { clientFixture } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";

type Groups = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>;
type Sent = [method: string, path: string, type: string | null, body: string];

const require = createRequire(import.meta.url);
const { Api } = require("../../node_modules/weave/dist/generated/traceServerApi.js") as {
  Api: new (config: object) => Groups;
};
const DATA = { project_id: "team/demo", filter: { call_ids: ["1"] }, api_key: "k" };
const FORM = { project_id: "team/demo", file: new Blob(["content"]) };

async function sent(url: string, init: RequestInit): Promise<Sent> {
  const headers = new Headers(init.headers);
  // The boundary of a form is random.
  const type = headers.get("content-type");
  const body = init.body instanceof FormData
    ? await Promise.all(
      [...init.body].map(async ([name, value]) =>
        `${name}=${typeof value === "string" ? value : await value.text()}`
      ),
    )
    : init.body;
  return [init.method!, new URL(url).pathname, type, String(body ?? "")];
}

test("traceServerApi: every route of the official SDK sends the same request", async () => {
  const theirs: Sent[] = [], ours: Sent[] = [];
  const official = new Api({
    baseUrl: "https://trace.wandb.ai",
    customFetch: async (url: string, init: RequestInit) => {
      theirs.push(await sent(url, init));
      return Response.json({ ok: true });
    },
  });
  const pending: Promise<number>[] = [];
  using fixture = await clientFixture({ redactDefaults: false }, {
    answer: (url: string, init: RequestInit) => {
      pending.push(sent(url, init).then((request) => ours.push(request)));
      return Response.json({ ok: true });
    },
  });
  const api = fixture.client.traceServerApi as unknown as Groups;
  let routes = 0;
  for (const [group, methods] of Object.entries(official)) {
    if (group === "contentFormatters" || typeof methods !== "object" || methods === null) continue;
    for (const [name, method] of Object.entries(methods)) {
      if (typeof method !== "function") continue;
      const isGet = name.endsWith("Get");
      const args = isGet ? [] : [name.startsWith("fileCreate") ? FORM : DATA];
      const [expected, actual] = [await method(...args), await api[group]![name]!(...args)];
      const facts = (
        { data, error, ok, status }: Record<string, unknown>,
      ) => [data, error, ok, status];
      assert.deepEqual(facts(actual as never), facts(expected as never), name);
      routes++;
    }
  }
  await Promise.all(pending);
  assert.equal(routes, 27);
  assert.deepEqual(ours, theirs);
});

test("traceServerApi: an error rejects with the response, without the key that it repeats", async () => {
  using fixture = await clientFixture({}, {
    answer: (_, init) =>
      Response.json({ reason: new Headers(init.headers).get("authorization") }, { status: 422 }),
  });
  const { calls } = fixture.client.traceServerApi;
  await assert.rejects(
    calls.callsDeleteCallsDeletePost({ project_id: "team/demo", call_ids: [] }),
    (error: Response & { data: unknown; error: unknown }) => {
      assert.deepEqual([error.status, error.ok, error.data], [422, false, null]);
      assert.doesNotMatch(JSON.stringify(error.error), new RegExp(btoa("api:secret-key")));
      return true;
    },
  );
});

test("traceServerApi: its writes contain no secret, and its queries are sent unchanged", async () => {
  const bodies: string[] = [];
  using fixture = await clientFixture({}, {
    answer: (_, { body }) => {
      bodies.push(String(body));
      return Response.json({});
    },
  });
  const { feedback } = fixture.client.traceServerApi;
  await feedback.feedbackCreateFeedbackCreatePost({
    project_id: "team/demo",
    weave_ref: "weave:///team/demo/call/1",
    feedback_type: "note",
    payload: { password: "p4ss", note: "n" },
  });
  const query = { project_id: "team/demo", fields: ["password"] };
  await feedback.feedbackQueryFeedbackQueryPost(query, { format: null });
  assert.deepEqual(bodies, [
    '{"project_id":"team/demo","weave_ref":"weave:///team/demo/call/1","feedback_type":"note",' +
    '"payload":{"password":"[REDACTED]","note":"n"}}',
    '{"project_id":"team/demo","fields":["password"]}',
  ]);
});

test("traceServerApi: its files contain no secret", async () => {
  const files: Promise<string>[] = [];
  using fixture = await clientFixture({}, {
    answer: (_, { body }) => {
      files.push(((body as FormData).get("file") as File).text());
      return Response.json({ digest: "d" });
    },
  });
  const { file } = fixture.client.traceServerApi;
  const given = [new Blob(["password=p4ss"]), new File(["p4ss"], "credentials.txt"), FORM.file];
  for (const one of given) {
    await file.fileCreateFileCreatePost({ project_id: "team/demo", file: one });
  }
  const read = await Promise.all(files);
  assert.deepEqual(read, ["password=[REDACTED]", "[REDACTED]", "content"]);
});
