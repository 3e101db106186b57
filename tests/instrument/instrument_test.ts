/**
 * Programs that use the OpenAI and Anthropic SDKs unmodified, with the instrumentation
 * preloaded or as their first import.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import type { Any } from "../support/client/client_fixture.ts";
import {
  anthropicEvents,
  anthropicMessage,
  chatChunks,
  chatCompletion,
} from "../support/client/llm_chunks.ts";
import { UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

const ENV = { WEAVE_ENABLE_WAL: "true", WEAVE_DISABLE_WAL_SENDER: "true" };
const PRELOAD: Record<string, string[]> = {
  node: ["--import", "./instrument.mjs"],
  bun: ["--preload", "./instrument.mjs"],
  deno: ["-A", "--preload", "./instrument.mjs"],
};

function project(): UserProject {
  const made = new UserProject();
  made.copy("client.mjs");
  made.copy("instrument.mjs", "src/instrument/instrument.ts");
  made.link("openai");
  made.link("@anthropic-ai");
  // Deno imports packages listed here.
  made.write("package.json", '{"dependencies":{"openai":"*","@anthropic-ai/sdk":"*"}}');
  made.write(
    "answers.mjs",
    `
    const answers = ${
      JSON.stringify({
        chat: chatCompletion("Hello"),
        chunks: chatChunks(),
        message: anthropicMessage(),
        events: anthropicEvents(),
      })
    };
    const sse = (list, name) => new Response(
      list.map((e) => (name ? "event: " + e.type + "\\n" : "") + "data: " + JSON.stringify(e) + "\\n\\n").join("") +
        (name ? "" : "data: [DONE]\\n\\n"),
      { headers: { "content-type": "text/event-stream" } },
    );
    export const fetch = async (url, init) => {
      const { stream } = JSON.parse(init.body);
      if (String(url).endsWith("/messages")) return stream ? sse(answers.events, true) : Response.json(answers.message);
      return stream ? sse(answers.chunks) : Response.json(answers.chat);
    };
  `,
  );
  return made;
}

/** Calls of the program to both SDKs. */
const BODY = `
  const openai = new OpenAI({ apiKey: "sk-1", fetch });
  const anthropic = new Anthropic({ apiKey: "sk-2", fetch });
  const client = await init("team/project");
  const messages = [{ role: "user", content: "Hi" }];
  const { data } = await openai.chat.completions.create({ model: "gpt-4o-mini", messages }).withResponse();
  if (data.choices[0].message.content !== "Hello") throw new Error("No answer");
  for await (const _ of await openai.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true }));
  await openai.chat.completions.parse({ model: "gpt-4o-mini", messages });
  const wrapped = wrapOpenAI(openai);
  await wrapped.chat.completions.create({ model: "gpt-4o-mini", messages });
  const asked = { model: "claude-sonnet-4", max_tokens: 9, messages };
  await anthropic.messages.create(asked);
  for await (const _ of await anthropic.messages.create({ ...asked, stream: true }));
  const final = await anthropic.messages.stream(asked).finalMessage();
  if (final.content.length !== 2) throw new Error("No message");
  await client.finish();
  console.log("done");
`;

const IMPORTS = `
  import { init, wrapOpenAI } from "./client.mjs";
  import { fetch } from "./answers.mjs";
`;

function calls(made: UserProject): Any[] {
  const records = readdirSync(made.walDir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(made.walDir, name), "utf8").trim().split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).req);
  const ends = new Map(records.filter(({ end }) => end).map(({ end }) => [end.id, end]));
  return records.filter(({ start }) => start).map(({ start }) => ({
    name: /\/op\/(.*):/.exec(start.op_name)![1],
    ...start,
    ...ends.get(start.id),
  }));
}

async function check(program: string, runtimeArgs?: string[], files: Record<string, string> = {}) {
  const made = project();
  for (const [name, text] of Object.entries(files)) made.write(name, text);
  made.write("program.mjs", program);
  const ended = await made.run("program.mjs", { env: ENV, runtimeArgs });
  assert.equal(ended.lines.at(-1), "done", ended.errors);
  return calls(made);
}

function checkCalls(recorded: Any[]): void {
  const chat = "openai.chat.completions.create";
  assert.deepEqual(recorded.map(({ name }) => name), [
    chat,
    chat,
    "openai.chat.completions.parse",
    chat,
    "create",
    "create",
    "create",
  ]);
  assert.ok(recorded.every(({ ended_at, parent_id }) => ended_at && parent_id === undefined));
  const [first, second, , , whole, streamed] = recorded;
  assert.equal(first.output.choices[0].message.content, "Hello");
  assert.equal(second.output.choices[0].message.content, "Hello there");
  assert.equal(second.summary.usage["gpt-4o-mini-2024-07-18"].total_tokens, 12);
  assert.equal(whole.inputs.arg0.model, "claude-sonnet-4");
  assert.deepEqual(whole.output, anthropicMessage());
  assert.deepEqual(streamed.output, { messages: [anthropicMessage()] });
  assert.deepEqual(streamed.summary.usage["claude-sonnet-4-20250514"], {
    requests: 1,
    input_tokens: 20,
    output_tokens: 30,
  });
  assert.ok(!JSON.stringify(recorded).includes("sk-"));
}

test("instrument: loaded before the program, it traces both SDKs", async () => {
  const imports = `import OpenAI from "openai"; import Anthropic from "@anthropic-ai/sdk";`;
  checkCalls(await check(IMPORTS + imports + BODY, PRELOAD[ownRuntime]));
}, { timeout: 180_000 });

test("instrument: as the first import of a program, it traces both SDKs", async () => {
  const imports =
    `import "./instrument.mjs"; import OpenAI from "openai"; import Anthropic from "@anthropic-ai/sdk";`;
  checkCalls(await check(imports + IMPORTS + BODY));
}, { timeout: 180_000 });

test("instrument: SDKs that are loaded by require are traced, before and after", async () => {
  const before = `
    import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    const { OpenAI } = require("openai");
    await import("./instrument.mjs");
    const { Anthropic } = require("@anthropic-ai/sdk");
  `;
  checkCalls(await check(IMPORTS + before + BODY));
}, { timeout: 180_000 });

test(
  "instrument: a nested copy in another package is traced if the runtime has a loader",
  async () => {
    const folder = "node_modules/outer/node_modules/openai";
    const recorded = await check(
      `
    import { init } from "./client.mjs";
    import { OpenAI } from "outer";
    const client = await init("team/project");
    await new OpenAI().chat.completions.create({ model: "m" });
    await client.finish();
    console.log("done");
  `,
      PRELOAD.node,
      {
        "node_modules/outer/package.json":
          `{"name":"outer","type":"module","exports":"./index.mjs"}`,
        "node_modules/outer/index.mjs": `export { OpenAI } from "openai";`,
        [`${folder}/package.json`]: `{"name":"openai","exports":"./index.mjs"}`,
        [`${folder}/index.mjs`]: `
        class Completions { async create(params) { return { id: params.model }; } }
        class Chat { completions = new Completions(); }
        Chat.Completions = Completions;
        export class OpenAI { chat = new Chat(); }
        OpenAI.Chat = Chat;
      `,
      },
    );
    assert.deepEqual(recorded.map(({ name, output }) => [name, output]), [
      ["openai.chat.completions.create", { id: "m" }],
    ]);
  },
  { timeout: 180_000, skip: ownRuntime === "node" ? false : "only Node has such a loader" },
);

test("instrument: a program without the SDKs runs as before", async () => {
  const made = new UserProject();
  made.copy("instrument.mjs", "src/instrument/instrument.ts");
  made.write("program.mjs", `import "./instrument.mjs"; console.log("done");`);
  const ended = await made.run("program.mjs");
  assert.deepEqual([ended.lines, ended.errors, ended.code], [["done"], "", 0]);
}, { timeout: 180_000 });
