import assert from "node:assert/strict";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { weaveImage } from "../../../src/client/objects/media.ts";
import { ObjectRef, TableRef } from "../../../src/client/objects/object_ref.ts";
import { MessagesPrompt, StringPrompt } from "../../../src/client/objects/prompts.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

type Answers = Record<string, (body: Record<string, unknown>) => Response>;

/** Responses by path; other paths are not found. */
function server(answers: Answers) {
  return (url: string, init: RequestInit) => {
    const path = new URL(url).pathname;
    const body = init.body === undefined ? {} : JSON.parse(init.body as string);
    return answers[path]?.(body) ?? Response.json({ reason: `no ${path}` }, { status: 404 });
  };
}

const object = (val: unknown) => () => Response.json({ obj: { object_id: "o", val } });
const ref = new ObjectRef("team/demo", "o", "abc");

test("reads: the server's own information is asked with the key", async () => {
  using fixture = await clientFixture({}, {
    answer: server({ "/server_info": () => Response.json({ version: 1 }) }),
  });
  assert.deepEqual(await fixture.client.serverInfo(), { version: 1 });
  const [{ url, init }] = fixture.requests;
  assert.equal(url, "https://trace.wandb.ai/server_info");
  assert.equal(init.method, "GET");
  assert.equal(init.redirect, "manual");
  assert.deepEqual(init.headers, { Authorization: `Basic ${btoa("api:secret-key")}` });
});

test("reads: calls are streamed, with lines split anywhere", async () => {
  const bytes = new TextEncoder().encode('{"id":"1","op_name":"é😀"}\n\n{"id":"2"}\n{"id":"3"}');
  const asked: unknown[] = [];
  using fixture = await clientFixture({}, {
    answer: server({
      "/calls/stream_query": (body) => {
        asked.push(body);
        let at = 0;
        return new Response(
          new ReadableStream({
            pull(controller) {
              if (at === bytes.length) return controller.close();
              controller.enqueue(bytes.subarray(at, at + 1));
              at++;
            },
          }),
        );
      },
    }),
  });
  const calls = await fixture.client.getCalls({ trace_ids: ["t"] }, true, 5);
  assert.deepEqual(calls.map(({ id }) => id), ["1", "2", "3"]);
  assert.equal(calls[0].op_name, "é😀");
  assert.deepEqual(asked, [
    { project_id: "team/demo", filter: { trace_ids: ["t"] }, include_costs: true, limit: 5 },
  ]);
  await calls[1].setDisplayName("second");
  assert.deepEqual(fixture.pipeline.of("call_update"), [
    { project_id: "team/demo", call_id: "2", display_name: "second" },
  ]);
  for await (const { id } of fixture.client.getCallsIterator()) if (id === "1") break;
  assert.equal((await fixture.client.getCall("1")).id, "1");
  assert.deepEqual((asked[2] as { filter: unknown }).filter, { call_ids: ["1"] });
});

test("reads: a nonexistent call is an error with status 404", async () => {
  using fixture = await clientFixture({}, {
    answer: server({ "/calls/stream_query": () => new Response("") }),
  });
  await assert.rejects(fixture.client.getCall("x"), {
    code: "ERR_REQUEST_FAILED",
    status: 404,
    message: "Cannot find call: x",
  });
});

test("reads: objects are read back with their original classes", async () => {
  let val: unknown;
  using fixture = await clientFixture({}, {
    answer: server({
      "/obj/read": (body) => {
        assert.deepEqual(body, { project_id: "team/demo", object_id: "o", digest: "abc" });
        return object(val)();
      },
      "/table/query": ({ digest }) =>
        Response.json({ rows: [{ digest: "r1", val: { x: 1, of: digest } }] }),
      "/files/content": () => new Response(new Uint8Array([1, 2])),
    }),
  });
  const { client } = fixture;
  for (val of [{ a: [1, { b: null }] }, [1], "text", null]) {
    assert.deepEqual(await client.get(ref), val);
  }
  val = { _type: "StringPrompt", name: "p", content: "Hi {name}" };
  const prompt = await StringPrompt.get(client, ref.uri());
  assert.equal(prompt.format({ name: "Ada" }), "Hi Ada");
  assert.equal((await prompt.__savedRef)?.uri(), ref.uri());
  val = { _type: "MessagesPrompt", messages: [{ role: "user", content: "x" }] };
  assert.deepEqual((await MessagesPrompt.get(client, ref.uri())).messages[0].role, "user");
  val = { _type: "Dataset", description: "d", rows: "weave:///team/demo/table/tt" };
  const dataset = await client.get(ref) as Dataset<{ x: number; of: string }>;
  assert.ok(dataset instanceof Dataset);
  assert.equal(dataset.name, "o");
  assert.equal(dataset.description, "d");
  assert.deepEqual(dataset.getRow(0), { x: 1, of: "tt" });
  const saved = await client.publish({ row: dataset.getRow(0), whole: dataset }, "again");
  assert.deepEqual(fixture.pipeline.of("obj_create").map(({ obj }) => obj.val), [
    { row: "weave:///team/demo/object/o:abc/attr/rows/id/r1", whole: ref.uri() },
  ]);
  assert.equal(saved.objectId, "again");
  val = { _type: "CustomWeaveType", weave_type: { type: "PIL.Image.Image" }, files: { f: "dd" } };
  assert.deepEqual(await client.get(ref), weaveImage({ data: new Uint8Array([1, 2]) }));
  val = { _type: "CustomWeaveType", weave_type: { type: "wave.Wave_read" }, files: { f: "dd" } };
  assert.deepEqual((await client.get(ref) as { data: Uint8Array }).data, new Uint8Array([1, 2]));
  val = { _type: "CustomWeaveType", weave_type: { type: "Op" }, files: { "obj.py": "dd" } };
  assert.deepEqual(await client.get(ref), val);
  const table = await client.getTable(new TableRef("team/demo", "tt"));
  assert.equal(table.length, 1);
  assert.deepEqual(table.rows, [{ x: 1, of: "tt" }]);
});

test("reads: a file is read from the older endpoint if the server lacks the newer one", async () => {
  using fixture = await clientFixture({}, {
    answer: server({
      "/file/content": ({ digest }) =>
        digest === "d"
          ? new Response("old")
          : Response.json({ reason: "deleted" }, { status: 404 }),
    }),
  });
  assert.equal(new TextDecoder().decode(await fixture.client.fileContent("d")), "old");
  await assert.rejects(fixture.client.fileContent("e"), { status: 404, message: /deleted/ });
});

test("reads: errors have status and reason, and no key", async () => {
  const cases: [() => Response, RegExp, number | undefined][] = [
    [
      () => Response.json({ reason: "forbidden here" }, { status: 403 }),
      /HTTP 403: forbidden/,
      403,
    ],
    [() => new Response("<html>", { status: 502 }), /Cannot read \/server_info: HTTP 502$/, 502],
    [() => new Response(null, { status: 302, headers: { location: "http://x" } }), /HTTP 302/, 302],
    [() => new Response("<html>"), /the answer is not JSON/, undefined],
    [
      () => {
        throw Object.assign(new TypeError("secret-key"), { cause: { code: "ECONNREFUSED" } });
      },
      /TypeError ECONNREFUSED at https:\/\/trace.wandb.ai/,
      undefined,
    ],
  ];
  for (const [answer, message, status] of cases) {
    using fixture = await clientFixture({}, { answer });
    await assert.rejects(fixture.client.serverInfo(), (error: Error & { status?: number }) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret-key/);
      assert.equal(error.status, status);
      return true;
    });
  }
});

test("reads: a read is aborted at its time limit", async () => {
  using fixture = await clientFixture({ timeoutMs: 1000 }, {
    answer: (_url, { signal }) =>
      new Promise((_, reject) => {
        signal!.addEventListener("abort", () => reject(new DOMException("stop", "AbortError")));
        queueMicrotask(() => fixture.runtime.time.advance(1000));
      }),
  });
  await assert.rejects(fixture.client.serverInfo(), {
    code: "ERR_REQUEST_FAILED",
    message: /no whole answer within 1000 ms/,
  });
});
