import assert from "node:assert/strict";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { weaveAudio, weaveImage } from "../../../src/client/objects/media.ts";
import {
  DatasetRowRef,
  ObjectRef,
  OpRef,
  TableRef,
} from "../../../src/client/objects/object_ref.ts";
import { op } from "../../../src/client/op/op.ts";
import { MessagesPrompt, StringPrompt } from "../../../src/client/objects/prompts.ts";
import { WeaveObject } from "../../../src/client/objects/weave_object.ts";
import { objectDigest } from "../../../src/protocol/digest/digest.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const projectInfo = (url: string) =>
  url.endsWith("/service/projects_info")
    ? Response.json([{ external_project_id: "team/demo", internal_project_id: "cHJvamVjdA==" }])
    : new Response("{}", { status: 404 });

test("publish: a value is saved under the given or a new id, and identified by its digest", async () => {
  using fixture = await clientFixture();
  const value = { hello: "world" };
  const ref = await fixture.client.publish(value, "greeting");
  assert.ok(ref instanceof ObjectRef);
  assert.equal(
    ref.uri(),
    "weave:///team/demo/object/greeting:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE",
  );
  assert.deepEqual(fixture.pipeline.of("obj_create"), [
    { obj: { project_id: "team/demo", object_id: "greeting", val: { hello: "world" } } },
  ]);
  assert.match((await fixture.client.publish([1, 2])).objectId, /^[0-9a-f-]{36}$/);
  assert.equal((await fixture.client.publish("text", "t")).digest, objectDigest("text"));
  assert.deepEqual(Object.keys(value), ["hello"], "the value itself is not touched");
  assert.equal(fixture.requests.length, 0, "nothing had to be asked");
});

test("publish: a value that was saved keeps its ref, and is a ref in inputs", async () => {
  using fixture = await clientFixture();
  const settings = Object.freeze({ temperature: 0.5 });
  const ref = await fixture.client.publish(settings, "settings");
  assert.equal(await fixture.client.publish(settings, "other"), ref);
  op(function use(_value: unknown) {})({ nested: settings, copy: { ...settings } });
  assert.deepEqual(fixture.pipeline.callsOf("use")[0].inputs.arg0, {
    nested: ref.uri(),
    copy: { temperature: 0.5 },
  });
});

test("publish: an object is saved with its classes and public fields, after its contents", async () => {
  using fixture = await clientFixture();
  class Base extends WeaveObject {
    threshold = 0.5;
  }
  class Model extends Base {
    _hidden = 1;
    prompt = new StringPrompt({ name: "p", content: "Hi {name}" });
    predict = op(function predict() {});
    plain = () => 1;
  }
  const model = new Model({ name: "my model!", description: "d" });
  const ref = await fixture.client.publish(model);
  assert.equal(model.__savedRef, ref);
  const [prompt, predict, saved] = fixture.pipeline.of("obj_create").map(({ obj }) => obj);
  assert.deepEqual(prompt.val, {
    _type: "StringPrompt",
    _class_name: "StringPrompt",
    _bases: ["Prompt", "Object", "BaseModel"],
    name: "p",
    description: null,
    content: "Hi {name}",
  });
  assert.equal(predict.object_id, "predict");
  assert.equal(saved.object_id, "my-model");
  assert.deepEqual(saved.val, {
    _type: "Model",
    _class_name: "Model",
    _bases: ["Base", "Object", "BaseModel"],
    name: "my model!",
    description: "d",
    threshold: 0.5,
    prompt: `weave:///team/demo/object/p:${objectDigest(prompt.val)}`,
    predict: `weave:///team/demo/op/predict:${objectDigest(predict.val)}`,
  });
});

test("publish: a dataset is a table and an object that refers to it; rows have refs", async () => {
  using fixture = await clientFixture({}, { answer: projectInfo });
  const rows = [{ x: 1 }, { x: 2 }];
  const dataset = new Dataset({ name: "numbers", rows });
  assert.equal(dataset.getRow(0).x, 1);
  const ref = await fixture.client.publish(dataset);
  const [{ table }] = fixture.pipeline.of("table_create");
  assert.deepEqual(table.rows, rows);
  const tableUri =
    "weave:///team/demo/table/ed8bd1f8cb829eeb6b3fef95a7cd8401f7e5af825c4c9aa144a1ceb9f32c3654";
  const [{ obj }] = fixture.pipeline.of("obj_create");
  assert.deepEqual(obj.val, {
    _type: "Dataset",
    _class_name: "Dataset",
    _bases: ["Object", "BaseModel"],
    name: "numbers",
    description: null,
    rows: tableUri,
  });
  const row = new DatasetRowRef(
    "team/demo",
    "numbers",
    ref.digest,
    "JPVyYA4VDTIwE4OFqgAGyhuZO0a7Qn90bMaQyY2TJBM",
  );
  const use = op(function use(..._values: unknown[]) {});
  use(dataset.getRow(1), rows[1], dataset, dataset.rows);
  assert.deepEqual(fixture.pipeline.callsOf("use")[0].inputs, {
    arg0: row.uri(),
    arg1: `${tableUri}/id/${row.rowDigest}`,
    arg2: ref.uri(),
    arg3: tableUri,
  });
  assert.equal(fixture.pipeline.of("table_create").length, 1);
  const seen: number[] = [];
  for await (const { x } of dataset) seen.push(x);
  assert.deepEqual(seen, [1, 2]);
});

test("publish: rows of a saved table are reused in the next one", async () => {
  using fixture = await clientFixture({}, { answer: projectInfo });
  const rows = [{ x: 1 }];
  await fixture.client.publish(new Dataset({ name: "one", rows }));
  await fixture.client.publish(new Dataset({ name: "two", rows }));
  assert.deepEqual(fixture.pipeline.of("table_create").map(({ table }) => table.rows), [
    rows,
    rows,
  ]);
});

test("publish: an object has a promise of its ref while its dependencies are pending", async () => {
  let answer = (_response: Response): void => {};
  const asked = () => new Promise<Response>((resolve) => answer = resolve);
  using fixture = await clientFixture({}, { answer: asked });
  const dataset = new Dataset({ name: "numbers", rows: [{ x: 1 }] });
  const saving = dataset.save();
  const promised = dataset.__savedRef;
  assert.ok(promised instanceof Promise);
  await Promise.resolve();
  answer(projectInfo("/service/projects_info"));
  assert.equal(await promised, await saving);
  assert.equal(dataset.__savedRef, await saving);
  const nameless = new Dataset({ name: "!", rows: [] });
  await assert.rejects(fixture.client.publish(nameless), { code: "ERR_INVALID_NAME" });
  assert.equal(nameless.__savedRef, undefined);
});

test("publish: an op is saved with its source", async () => {
  using fixture = await clientFixture();
  const double = op(function double(n: number) {
    return 2 * n;
  });
  const ref = await fixture.client.publish(double);
  assert.ok(ref instanceof OpRef);
  assert.match(ref.uri(), /^weave:\/\/\/team\/demo\/op\/double:/);
  double(1);
  assert.equal(fixture.pipeline.of("obj_create").length, 1);
  assert.equal(fixture.pipeline.callsOf("double")[0].op_name, ref.uri());
});

test("publish: images and sounds become files and are saved once", async () => {
  using fixture = await clientFixture();
  const image = weaveImage({ data: new Uint8Array([1, 2, 3]) });
  const echo = op(function echo(value: unknown) {
    return value;
  });
  echo({ image, sound: weaveAudio({ data: new Uint8Array([4]).buffer }) });
  const [call] = fixture.pipeline.callsOf("echo");
  const files = fixture.pipeline.of("file_create").slice(1);
  assert.deepEqual(files, [
    { project_id: "team/demo", name: "image.png", content_base64: "AQID" },
    { project_id: "team/demo", name: "audio.wav", content_base64: "BA==" },
  ]);
  assert.equal(call.inputs.arg0.image._type, "CustomWeaveType");
  assert.equal(call.inputs.arg0.image.weave_type.type, "PIL.Image.Image");
  assert.equal(call.inputs.arg0.sound.weave_type.type, "wave.Wave_read");
  assert.deepEqual(call.output, call.inputs.arg0);
});

test("publish: an opaque proxy is saved as a placeholder", async () => {
  using fixture = await clientFixture();
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  await fixture.client.publish(proxy, "revoked");
  fixture.client.objCreate("holder", { proxy });
  const [revoked, holder] = fixture.pipeline.of("obj_create").map(({ obj }) => obj.val);
  assert.match(revoked, /^<error: .*revoked/);
  assert.deepEqual(holder, { proxy: revoked });
});

test("publish: a circular object is saved", async () => {
  using fixture = await clientFixture();
  class Node extends WeaveObject {
    next: Node = this;
  }
  await fixture.client.publish(new Node({ name: "n" }));
  assert.equal(fixture.pipeline.of("obj_create")[0].obj.val.next, "[Circular]");
});

test("publish: a name without a letter or a digit is refused by publish, not by an op", async () => {
  using fixture = await clientFixture();
  const unnamed = new WeaveObject({ name: "!!!" });
  await assert.rejects(fixture.client.publish(unnamed), { code: "ERR_INVALID_NAME" });
  const echo = op((value: unknown) => value, { name: "echo" });
  assert.equal(echo(unnamed), unnamed);
  assert.equal(fixture.pipeline.callsOf("echo").length, 1);
});

test("publish: an object is saved again in another project, and when its ref is removed", async () => {
  using first = await clientFixture();
  const prompt = new StringPrompt({ name: "p", content: "c" });
  await first.client.publish(prompt);
  prompt.__savedRef = undefined;
  await first.client.publish(prompt);
  assert.equal(first.pipeline.of("obj_create").length, 2);
  using second = await clientFixture({}, { project: "team/other" });
  const ref = await second.client.publish(prompt);
  assert.equal(ref.projectId, "team/other");
  assert.equal(second.pipeline.of("obj_create").length, 1);
});

test("publish: a disabled client returns refs, stores nothing and marks nothing as saved", async () => {
  const prompt = new StringPrompt({ name: "p", content: "c" });
  using off = await clientFixture({ disabled: true });
  const ref = await off.client.publish(prompt);
  assert.match(ref.uri(), /^weave:\/\/\/team\/demo\/object\/p:/);
  assert.equal(prompt.__savedRef, undefined);
  assert.equal(off.pipeline.records.length, 0);
  assert.deepEqual(await off.client.flush(), {
    done: true,
    pendingBytes: 0,
    pendingRecords: 0,
    delivered: 0,
    deadLettered: 0,
  });
});

test("prompts: placeholders are replaced, those without a value stay", () => {
  const text = new StringPrompt({ content: "{greeting:>3}, {name}! {missing} {}" });
  assert.equal(text.format({ greeting: "Hi", name: 0 }), "Hi, 0! {missing} {}");
  assert.equal(text.format({ name: "$&" }), "{greeting:>3}, $&! {missing} {}");
  const messages = new MessagesPrompt({
    messages: [
      { role: "system", content: "You are {who}", weight: 2 },
      { role: "user", content: [{ type: "text", text: "I am {me}" }], tags: ["{me}"] },
    ],
  });
  assert.deepEqual(messages.format({ who: "kind", me: "Ada" }), [
    { role: "system", content: "You are kind", weight: 2 },
    { role: "user", content: [{ type: "text", text: "I am Ada" }], tags: ["{me}"] },
  ]);
});

test("refs: URIs are parsed back, and anything else is refused", () => {
  const ref = ObjectRef.fromUri("weave:///team/demo/object/name:abc/attr/rows");
  assert.deepEqual([ref.projectId, ref.objectId, ref.digest], ["team/demo", "name", "abc"]);
  assert.equal(ObjectRef.fromUri("weave:///team/demo/object/name").digest, "latest");
  assert.equal(TableRef.parseUri("weave:///team/demo/table/abc").digest, "abc");
  assert.equal(ref.ui_url(), "https://wandb.ai/team/demo/weave/objects/name/versions/abc");
  for (const uri of ["weave:///team/demo/op/name:abc", "object/name:abc", "weave:///a/object/b"]) {
    assert.throws(() => ObjectRef.fromUri(uri), { code: "ERR_INVALID_OPTION" });
  }
  assert.throws(() => TableRef.parseUri("weave:///team/demo/object/x:abc"), /Cannot read ref/);
});
