/**
 * Calls and objects of every kind that the UI displays differently; `python/picture.py`
 * is the same program in Python.
 *
 * @module
 */

import {
  Dataset,
  MessagesPrompt,
  op,
  publish,
  StringPrompt,
  withAttributes,
} from "../../../mod.ts";
import { initAsPlanned, readPlan, tell } from "./plan.ts";

const client = await initAsPlanned(readPlan());
const parameterNames = ["value"];

const leaf = op((value: string) => value, { name: "leaf", parameterNames });
const failing = op((_value: string): string => {
  throw new TypeError("on purpose");
}, { name: "failing", parameterNames });
const parent = op((value: string) => {
  leaf(value);
  try {
    failing(value);
  } catch {
    // The parent continues.
  }
  return value;
}, { name: "parent", parameterNames });
const broken = op((value: string) => void failing(value), { name: "broken", parameterNames });
const named = op((value: string) => value, {
  name: "named",
  parameterNames,
  callDisplayName: () => "shown as this",
});
const computed = op((value: string) => value, {
  name: "computed",
  parameterNames,
  callDisplayName: (value) => `made of ${value}`,
});
const generator = op(function* (count: number) {
  for (let i = 0; i < count; i++) yield i;
}, { name: "generator", parameterNames: ["count"] });
const asynchronous = op(async (value: string) => {
  await Promise.resolve();
  return leaf(value);
}, { name: "asynchronous", parameterNames });
const nothing = op(() => {}, { name: "nothing" });
const response = op((_value: string) => ({
  model: "m1",
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
}), { name: "response", parameterNames });

parent("p");
try {
  broken("b");
} catch {
  // As in the Python program.
}
named("n");
computed("c");
[...generator(3)];
await asynchronous("a");
nothing();
response("r");
withAttributes({ team: "a" }, () => leaf("with attributes"));

await publish(new StringPrompt({ content: "Hello {name}" }), "string-prompt");
await publish(
  new MessagesPrompt({ messages: [{ role: "user", content: "Hi {name}" }] }),
  "messages-prompt",
);
await publish(new Dataset({ name: "set", rows: [{ q: "1" }, { q: "2" }] }), "set");
tell({ result: await client.finish({ timeout: 240_000 }) });
