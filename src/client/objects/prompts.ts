/**
 * Prompts: saved, versioned texts with placeholders.
 *
 * @module
 */

import { markClass } from "./kind.ts";
import { ObjectRef } from "./object_ref.ts";
import type { SavedRef } from "../global_client.ts";
import { WeaveObject, type WeaveObjectParameters } from "./weave_object.ts";

/** A client that reads prompts. */
export interface PromptReader {
  get(ref: SavedRef): Promise<unknown>;
}

/**
 * Base class of prompts.
 *
 * @example
 * ```ts
 * import { Prompt, StringPrompt } from "@weave-wal/client";
 *
 * if (!(new StringPrompt({ content: "Hello" }) instanceof Prompt)) throw new Error();
 * ```
 */
export class Prompt extends WeaveObject {}

/**
 * A prompt that consists of one text.
 *
 * @example
 * ```ts
 * import { StringPrompt } from "@weave-wal/client";
 *
 * const prompt = new StringPrompt({ name: "greeting", content: "Hello {name}" });
 * if (prompt.format({ name: "Ada" }) !== "Hello Ada") throw new Error("Places are filled in");
 * ```
 */
export class StringPrompt extends Prompt {
  /** The text, with placeholders such as `{name}`. */
  content: string;

  /** Creates a prompt from one text. */
  constructor(parameters: WeaveObjectParameters & { content: string }) {
    super(parameters);
    this.content = parameters.content;
  }

  /**
   * Returns the text with its placeholders replaced; those without a value stay.
   *
   * @param values Values by placeholder name (default: none).
   */
  format(values: Record<string, unknown> = {}): string {
    return fill(this.content, values);
  }

  /**
   * Reads the prompt with this ref.
   *
   * @param client The client to read with.
   * @param uri The prompt's ref.
   */
  static async get(client: PromptReader, uri: string): Promise<StringPrompt> {
    return await client.get(ObjectRef.fromUri(uri)) as StringPrompt;
  }
}

/**
 * A prompt that consists of a list of messages.
 *
 * @example
 * ```ts
 * import { MessagesPrompt } from "@weave-wal/client";
 *
 * const prompt = new MessagesPrompt({
 *   name: "greeting",
 *   messages: [{ role: "user", content: "Hello {name}" }],
 * });
 * const [message] = prompt.format({ name: "Ada" });
 * if (message.content !== "Hello Ada") throw new Error(String(message.content));
 * ```
 */
export class MessagesPrompt extends Prompt {
  /** The messages, whose texts may contain placeholders such as `{name}`. */
  messages: Record<string, unknown>[];

  /** Creates a prompt from messages. */
  constructor(parameters: WeaveObjectParameters & { messages: Record<string, unknown>[] }) {
    super(parameters);
    this.messages = parameters.messages;
  }

  /**
   * Returns the messages with their placeholders replaced; those without a value stay.
   *
   * @param values Values by placeholder name (default: none).
   */
  format(values: Record<string, unknown> = {}): Record<string, unknown>[] {
    return this.messages.map((message) => fillMessage(message, values));
  }

  /**
   * Reads the prompt with this ref.
   *
   * @param client The client to read with.
   * @param uri The prompt's ref.
   */
  static async get(client: PromptReader, uri: string): Promise<MessagesPrompt> {
    return await client.get(ObjectRef.fromUri(uri)) as MessagesPrompt;
  }
}

markClass(Prompt, "Prompt");
markClass(StringPrompt, "StringPrompt");
markClass(MessagesPrompt, "MessagesPrompt");

function fillMessage(
  message: Record<string, unknown>,
  values: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [key, fillPart(value, values)]),
  );
}

function fillPart(value: unknown, values: Record<string, unknown>): unknown {
  if (typeof value === "string") return fill(value, values);
  if (!Array.isArray(value) || !value.every((part) => typeof part === "object" && part !== null)) {
    return value;
  }
  return value.map((part) => fillMessage(part, values));
}

function fill(text: string, values: Record<string, unknown>): string {
  return text.replace(
    // As in Python, names may contain alphanumeric characters of any script.
    /\{([\p{L}\p{N}_]+)(:[^}]+)?\}/gu,
    (place, key) => values[key] === undefined ? place : String(values[key]),
  );
}
