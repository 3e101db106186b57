/**
 * Requests about objects, tables, files, feedback and costs.
 *
 * @module
 */

import { idOf } from "./call_requests.ts";
import type { Exchange, Story } from "./exchanges.ts";

type Json = Record<string, unknown>;

const EMPTY_TABLE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TABLE = "ed8bd1f8cb829eeb6b3fef95a7cd8401f7e5af825c4c9aa144a1ceb9f32c3654";
const HELLO = "LPJNulXwow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";

const object = (name: string, project_id: string, more: Json): Exchange => ({
  name,
  path: "/obj/create",
  body: { obj: { project_id, object_id: "o", val: { a: 1 }, ...more } },
});
const typed = (name: string, ...bases: string[]): Json => ({
  _type: name,
  _class_name: name,
  _bases: [...bases, "Object", "BaseModel"],
});
const readObject = (name: string, project_id: string, object_id: string, digest: string) => ({
  name,
  path: "/obj/read",
  body: { project_id, object_id, digest },
});
const table = (name: string, project_id: string, more: Json): Exchange => ({
  name,
  path: "/table/create",
  body: { table: { project_id, rows: [{ x: 1 }, { x: 2 }], ...more } },
});
const update = (name: string, project_id: string, updates: unknown[], base_digest = TABLE) => ({
  name,
  path: "/table/update",
  body: { project_id, base_digest, updates },
});
const file = (name: string, path: string, form: Exchange["form"]): Exchange => ({
  name,
  path,
  form,
});
const feedback = (name: string, project_id: string, more: Json): Exchange => ({
  name,
  path: "/feedback/create",
  body: feedbackOf(project_id, more),
});

function feedbackOf(project_id: string, more: Json = {}): Json {
  const weave_ref = `weave:///${project_id}/call/${idOf(1)}`;
  return { project_id, weave_ref, feedback_type: "custom", payload: { a: 1 }, ...more };
}

/** Cases of values. */
export const valueStories: Readonly<Record<string, Story>> = {
  objects: (p) => [
    object("object", p, {}),
    object("the same again", p, {}),
    object("another version", p, { val: { a: 2 } }),
    object("the first again", p, {}),
    readObject("latest", p, "o", "latest"),
    readObject("by version", p, "o", "v1"),
    readObject("no such version", p, "o", "v9"),
    readObject("no such object", p, "nothing", "latest"),
    { name: "all objects", path: "/objs/query", body: { project_id: p } },
    object("null", p, { object_id: "null", val: null }),
    object("a number", p, { object_id: "number", val: 3 }),
    object("no value", p, { val: undefined }),
    object("name with a space", p, { object_id: "a b" }),
    object("name with a slash", p, { object_id: "a/b" }),
    object("empty name", p, { object_id: "" }),
    object("name of 129", p, { object_id: "x".repeat(129) }),
    object("name in another script", p, { object_id: "検索" }),
    object("half a ref", p, { val: { x: "weave:///nope" } }),
    object("wrong digest", p, { expected_digest: "nope" }),
    object("empty digest", p, { expected_digest: "" }),
    object("no digest", p, { expected_digest: null }),
    object("unknown builtin class", p, { object_id: "b", builtin_object_class: "Nope" }),
    object("builtin class", p, {
      object_id: "board",
      builtin_object_class: "Leaderboard",
      val: { name: "x", columns: [] },
    }),
    object("invalid builtin class", p, {
      object_id: "board",
      builtin_object_class: "Leaderboard",
      val: { columns: 3 },
    }),
    object("class", p, { object_id: "k", val: typed("A") }),
    object("derived class", p, { object_id: "k", val: typed("B", "A") }),
    object("another class", p, { object_id: "k", val: typed("C") }),
    object("no class", p, { object_id: "k", val: { x: 1 } }),
    object("an op of the name", p, {
      object_id: "k",
      val: { _type: "CustomWeaveType", weave_type: { type: "Op" }, files: { "obj.py": "abc" } },
    }),
  ],
  tables: (p) => [
    table("table", p, {}),
    table("again", p, {}),
    table("empty", p, { rows: [] }),
    table("rows alike", p, { rows: [{ x: 1 }, { x: 1 }] }),
    table("a row that is null", p, { rows: [null] }),
    table("a row that is a number", p, { rows: [3] }),
    table("wrong digest", p, { expected_digest: "x" }),
    { name: "rows", path: "/table/query", body: { project_id: p, digest: TABLE } },
    {
      name: "a page",
      path: "/table/query",
      body: { project_id: p, digest: TABLE, limit: 1, offset: 1 },
    },
    {
      name: "rows of the empty",
      path: "/table/query",
      body: { project_id: p, digest: EMPTY_TABLE },
    },
    { name: "rows of none", path: "/table/query", body: { project_id: p, digest: "none" } },
    update("append", p, [{ append: { row: { x: 3 } } }]),
    update("pop", p, [{ pop: { index: 0 } }]),
    update("insert", p, [{ insert: { index: 0, row: { y: 1 } } }]),
    update("no change", p, []),
    update("pop of none", p, [{ pop: { index: 9 } }]),
    update("unknown change", p, [{ swap: {} }]),
    update("two changes in one", p, [{ pop: { index: 0 }, append: { row: {} } }]),
    update("a row that is a number", p, [{ append: { row: 3 } }]),
    update("of none", p, [], "none"),
    update("of the empty", p, [{ append: { row: { x: 3 } } }], EMPTY_TABLE),
    {
      name: "from digests",
      path: "/table/create_from_digests",
      body: { project_id: p, row_digests: ["abc", "def"] },
    },
    {
      name: "from no digests",
      path: "/table/create_from_digests",
      body: { project_id: p, row_digests: [] },
    },
    {
      name: "from digests, wrong",
      path: "/table/create_from_digests",
      body: { project_id: p, row_digests: ["abc"], expected_digest: "x" },
    },
  ],
  files: (p) => {
    const hello = { name: "a.txt", content: "hello" };
    return [
      file("file", "/files/create", { project_id: p, file: hello }),
      file("v1 endpoint", "/file/create", { project_id: p, file: hello }),
      file("empty file", "/files/create", { project_id: p, file: { ...hello, content: "" } }),
      file("unknown field", "/files/create", { project_id: p, flavor: "red", file: hello }),
      file("no project", "/files/create", { file: hello }),
      file("no file", "/files/create", { project_id: p }),
      file("text for a file", "/files/create", { project_id: p, file: "text" }),
      { name: "JSON for a form", path: "/files/create", body: { project_id: p } },
      file("wrong digest", "/files/create", { project_id: p, expected_digest: "x", file: hello }),
      { name: "content", path: "/files/content", body: { project_id: p, digest: HELLO } },
      { name: "content of none", path: "/files/content", body: { project_id: p, digest: "x" } },
      {
        name: "content of the empty",
        path: "/files/content",
        body: { project_id: p, digest: "47DEQpj8HBSaXXTImWX5JCeuQeRkm5NMpJWZG3hSuFU" },
      },
    ];
  },
  feedback: (p) => {
    const op = `weave:///${p}/op/x:abc`;
    const call = `weave:///${p}/call/${idOf(2)}`;
    const score = { feedback_type: "wandb.runnable.x", payload: { output: 1 } };
    return [
      feedback("feedback", p, { id: idOf(1) }),
      feedback("the same again", p, { id: idOf(1) }),
      feedback("without an id", p, {}),
      feedback("with a short id", p, { id: "mine" }),
      { name: "found", path: "/feedback/query", body: { project_id: p } },
      {
        name: "found after a merge",
        path: "/feedback/query",
        body: { project_id: p },
        afterMerge: true,
      },
      { name: "some fields", path: "/feedback/query", body: { project_id: p, fields: ["id"] } },
      feedback("reaction", p, { feedback_type: "wandb.reaction.1", payload: { emoji: "👍" } }),
      feedback("reaction of no emoji", p, {
        feedback_type: "wandb.reaction.1",
        payload: { emoji: "+1" },
      }),
      feedback("reaction of two", p, {
        feedback_type: "wandb.reaction.1",
        payload: { emoji: "👍👍" },
      }),
      feedback("reaction without one", p, { feedback_type: "wandb.reaction.1", payload: {} }),
      feedback("note", p, { feedback_type: "wandb.note.1", payload: { note: "n" } }),
      feedback("note without text", p, { feedback_type: "wandb.note.1", payload: {} }),
      feedback("long note", p, {
        feedback_type: "wandb.note.1",
        payload: { note: "n".repeat(1025) },
      }),
      feedback("score", p, { ...score, runnable_ref: op, call_ref: call }),
      feedback("score without a scorer", p, score),
      feedback("score of another scorer", p, {
        ...score,
        runnable_ref: `weave:///${p}/op/y:abc`,
        call_ref: call,
      }),
      feedback("score without a call", p, { ...score, runnable_ref: op }),
      feedback("score without output", p, {
        ...score,
        payload: {},
        runnable_ref: op,
        call_ref: call,
      }),
      feedback("call of something else", p, { call_ref: call }),
      feedback("on no ref", p, { weave_ref: "nope" }),
      feedback("on half a ref", p, { weave_ref: "weave:///nope" }),
      feedback("large payload", p, { payload: { text: "x".repeat(1_100_000) } }),
      {
        name: "batch",
        path: "/feedback/batch/create",
        body: { batch: [feedbackOf(p), feedbackOf(p)] },
      },
      { name: "empty batch", path: "/feedback/batch/create", body: { batch: [] } },
      {
        name: "one bad of two",
        path: "/feedback/batch/create",
        body: {
          batch: [feedbackOf(p), feedbackOf(p, { feedback_type: "wandb.note.1", payload: {} })],
        },
      },
      {
        name: "replace",
        path: "/feedback/replace",
        body: { ...feedbackOf(p), feedback_id: idOf(1) },
      },
      {
        name: "replace none",
        path: "/feedback/replace",
        body: { ...feedbackOf(p), feedback_id: idOf(99) },
      },
    ];
  },
  costs: (p) => {
    const cost = { prompt_token_cost: 0.1, completion_token_cost: 1 };
    const costs = (name: string, costs: Json) => ({
      name,
      path: "/cost/create",
      body: { project_id: p, costs },
    });
    return [
      costs("costs", { a: cost, b: cost }),
      costs("none", {}),
      costs("half a cost", { a: { prompt_token_cost: 1 } }),
      costs("with a date", { a: { ...cost, effective_date: "2025-01-01T00:00:00Z" } }),
      costs("negative", { a: { ...cost, prompt_token_cost: -1 } }),
      costs("cached tokens", { a: { ...cost, cache_read_input_token_cost: 0.1 } }),
    ];
  },
};
