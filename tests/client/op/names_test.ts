import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { nameProblem, opObjectId } from "../../../src/client/op/op_name.ts";
import { isObjectId, toObjectId } from "../../../src/client/objects/object_id.ts";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { StringPrompt } from "../../../src/client/objects/prompts.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

test("names: ops in any script keep distinct names", async () => {
  using fixture = await clientFixture();
  const names = ["検索", "回答", "поиск", "جستجو", "naïve_Überprüfung", "步骤-1.2", "𠮷野家", "½"];
  for (const name of names) op(() => name, { name })();
  assert.deepEqual(fixture.pipeline.of("obj_create").map(({ obj }) => obj.object_id), names);
  for (const name of names) assert.equal(fixture.pipeline.callsOf(name)[0].output, name);
  assert.deepEqual(fixture.warned, []);
});

test("names: an op gets the name of a function or a class in any script", async () => {
  using fixture = await clientFixture();
  op(function 検索() {})();
  class エージェント {
    尋ねる() {}
  }
  const agent = new エージェント();
  op(agent, agent.尋ねる)();
  assert.equal(fixture.pipeline.callsOf("検索").length, 1);
  assert.equal(fixture.pipeline.callsOf("エージェント.尋ねる").length, 1);
});

test("names: names without any character that the server accepts still distinguish ops", async () => {
  using fixture = await clientFixture();
  const names = ["🔍", "🔥", "कि", "की", "ค้นหา", "คนหา", "→", "e\u0301", "é", "a".repeat(200)];
  for (const name of [...names, `${"a".repeat(199)}b`]) op(() => {}, { name })();
  const ids = fixture.pipeline.of("obj_create").map(({ obj }) => obj.object_id);
  for (const id of ids) assert.ok(isObjectId(id), id);
  // The names contain é in two normalization forms, which count as one name.
  assert.equal(new Set(ids).size, names.length);
  assert.match(ids[0], /^op-[0-9A-Za-z]{8}$/);
  assert.match(ids[2], /^क-[0-9A-Za-z]{8}$/);
  assert.equal(ids.at(-1).length, 128);
  const warned = fixture.warned.filter((line) => line.includes("The server takes no op named"));
  assert.equal(warned.length, 8);
  assert.ok(warned[0].includes('"🔍"') && warned[0].includes(ids[0]));
});

test("names: ids are cut between characters and made as the Python SDK makes them", () => {
  assert.equal(toObjectId("𠮷".repeat(128)), "𠮷".repeat(128));
  assert.equal(toObjectId(" " + "𠮷".repeat(200)), "𠮷".repeat(128));
  assert.ok(isObjectId(opObjectId("𠮷".repeat(200))));
  assert.equal(toObjectId("my data set (v2)!"), "my-data-set-v2");
  assert.equal(toObjectId("日本語 データ"), "日本語-データ");
  assert.equal(opObjectId("say hello/world: again"), "say-hello-world-again");
  for (const nothing of ["", "!!!", "🔥", "- -"]) {
    assert.throws(() => toObjectId(nothing), { code: "ERR_INVALID_NAME" });
  }
});

test("names: a dataset, a prompt and a value are saved under a name in any script", async () => {
  using fixture = await clientFixture();
  const dataset = await fixture.client.publish(new Dataset({ name: "深度學習", rows: [{ x: 1 }] }));
  const prompt = await fixture.client.publish(
    new StringPrompt({ name: "приветствие", content: "" }),
  );
  const value = await fixture.client.publish([1], "données");
  assert.deepEqual([dataset.objectId, prompt.objectId, value.objectId], [
    "深度學習",
    "приветствие",
    "données",
  ]);
  assert.match(dataset.uri(), /^weave:\/\/\/team\/demo\/object\/深度學習:/);
  assert.ok(dataset.ui_url().includes("/objects/%E6%B7%B1"), dataset.ui_url());
  const filled = new StringPrompt({ content: "{挨拶}、{name}" }).format({
    挨拶: "やあ",
    name: "A",
  });
  assert.equal(filled, "やあ、A");
});

test("names: an op without a name is reported once, with a solution", async () => {
  using fixture = await clientFixture();
  op(() => 1)();
  op((x: number) => x)(1);
  op(() => 1, { name: "named" })();
  assert.equal(fixture.warned.length, 1);
  assert.match(fixture.warned[0], /has no name.*op\(fn, \{ name: "answer" \}\).*keepNames/);
});

test("names: names from a bundler or minifier are distinguished from those of a program", () => {
  const minified = new Function("return async function hd(e){let t=await e;return t.text}")();
  for (const name of ["answer2", "answer$1", "_Agent.ask", "anonymous", "Agent.anonymous"]) {
    assert.match(
      nameProblem(name, function answer() {}) ?? "",
      new RegExp(name.replace("$", "\\$")),
    );
  }
  assert.match(nameProblem("hd", minified) ?? "", /"hd" looks like/);
  assert.match(nameProblem("t.ask", minified) ?? "", /"t.ask" looks like/);
  function go(x: number) {
    return x + 1;
  }
  for (const name of ["go", "answer", "answerV2", "gpt4", "_private", "Agent.ask", "x"]) {
    assert.equal(nameProblem(name, go), undefined, name);
  }
});
