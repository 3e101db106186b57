/**
 * An OpenAI server with canned responses, behind the client's `fetch`.
 *
 * @module
 */

import { Hono } from "hono";
import {
  anthropicEvents,
  anthropicMessage,
  chatChunks,
  chatCompletion,
  response,
  responseEvents,
} from "./llm_chunks.ts";

type Json = Record<string, unknown>;

/** A request as received by the server. */
export interface SeenRequest {
  readonly path: string;
  readonly body: Json;
  readonly headers: Headers;
}

/** The server; pass `fetch` as an option of the clients. */
export interface FakeOpenAI {
  readonly requests: SeenRequest[];
  readonly fetch: typeof fetch;
}

/** The first bytes of a PNG file. */
export const PNG: Uint8Array = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255, 1]);

/** Starts a server for OpenAI and Anthropic clients. */
export function fakeOpenAI(): FakeOpenAI {
  const app = new Hono();
  const requests: SeenRequest[] = [];
  app.use(async ({ req }, next) => {
    const body = await req.raw.clone().json();
    requests.push({ path: new URL(req.url).pathname, body, headers: req.raw.headers });
    await next();
  });
  app.post("/v1/chat/completions", async (c) => {
    const body = await c.req.json();
    const failure = failureOf(body);
    if (failure) return failure;
    if (body.stream) {
      const wantsUsage = body.stream_options?.include_usage === true;
      const chunks = chatChunks();
      return events(wantsUsage ? chunks : chunks.slice(0, -1));
    }
    const isTool = body.tools && !body.messages.some(({ role }: Json) => role === "tool");
    return c.json(isTool ? toolCall() : chatCompletion(body.response_format ? '{"n":1}' : "Hello"));
  });
  app.post("/v1/responses", async (c) => {
    const body = await c.req.json();
    return failureOf(body) ?? (body.stream ? events(responseEvents()) : c.json(response()));
  });
  app.post("/v1/images/generations", (c) => {
    const b64_json = btoa(String.fromCharCode(...PNG));
    return c.json({ created: 1, data: [{ b64_json }, { url: "https://images/1.png" }] });
  });
  app.post("/v1/embeddings", (c) =>
    c.json({
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [0.5, 0.25] }],
      model: "text-embedding-3-small",
      usage: { prompt_tokens: 4, total_tokens: 4 },
    }));
  app.post("/v1/messages", async (c) => {
    const body = await c.req.json();
    return failureOf(body) ?? (body.stream ? named(anthropicEvents()) : c.json(anthropicMessage()));
  });
  return {
    requests,
    fetch:
      ((input: string | URL | Request, init?: RequestInit) =>
        app.fetch(new Request(input, init))) as typeof fetch,
  };
}

/** Models for which requests fail. */
function failureOf({ model }: Json): Response | undefined {
  if (model === "none") {
    return Response.json({ error: { message: "No such model", code: "model_not_found" } }, {
      status: 404,
    });
  }
  return model === "breaks" ? events([...chatChunks().slice(0, 2), "broken"]) : undefined;
}

function toolCall(): Json {
  const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
  const message = { role: "assistant", content: null, tool_calls: [call] };
  return {
    ...chatCompletion(),
    choices: [{ index: 0, message, finish_reason: "tool_calls" }],
  };
}

function events(list: unknown[]): Response {
  const text = list.map((event) =>
    `data: ${event === "broken" ? "{broken" : JSON.stringify(event)}\n\n`
  );
  return streamed([...text, "data: [DONE]\n\n"]);
}

function named(list: Json[]): Response {
  return streamed(list.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`));
}

function streamed(parts: string[]): Response {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "x-request-id": "req_1" },
  });
}
