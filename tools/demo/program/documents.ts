/**
 * Finds documents and splits them into passages.
 *
 * @module
 */

import { readdir, stat } from "node:fs/promises";
import { basename, join } from "@std/path";

/** A paragraph or list item that can answer a question. */
export interface Passage {
  /** Path of the file. */
  readonly path: string;
  /** Number of its first line, from 1. */
  readonly line: number;
  /** The headings above it, and the name in bold at its start. */
  readonly heading: string;
  readonly text: string;
}

/** Finds all Markdown files and glossaries in `paths`, recursively. */
export async function findDocuments(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await stat(path)).isDirectory()) {
      const names = (await readdir(path)).filter((name) => !/^\.|^node_modules$/.test(name));
      found.push(...await findDocuments(names.sort().map((name) => join(path, name))));
    } else if (path.endsWith(".md") || basename(path) === "glossary.json") {
      found.push(path);
    }
  }
  return found;
}

/** Paragraphs and list items of a Markdown file with their headings, without code. */
export function markdownPassages(path: string, text: string): Passage[] {
  const passages: Passage[] = [];
  const headings: string[] = [];
  let lines: string[] = [];
  let first = 0;
  let inCode = false;
  const close = (): void => {
    if (lines.length > 0) {
      // A name in bold at the start is the heading of its item.
      const [, name, text] = /^(?:\*\*(.+?)\.?\*\*\s+(?=[A-Z]))?(.*)$/.exec(lines.join(" "))!;
      const heading = [...headings, plain(name ?? "")].filter(Boolean).join(" › ");
      passages.push({ path, line: first, heading, text: plain(text) });
    }
    lines = [];
  };
  text.split("\n").forEach((line, index) => {
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    if (/^\s*(```|~~~)/.test(line)) inCode = !inCode;
    if (inCode || heading || /^\s*(```|~~~|\||$)/.test(line)) {
      close();
      if (heading && !inCode) headings.splice(heading[1].length - 1, 6, plain(heading[2]));
      return;
    }
    if (/^\s*([-*]|\d+\.)\s/.test(line)) close();
    if (lines.length === 0) first = index + 1;
    lines.push(line.replace(/^\s*([-*]|\d+\.|>)\s+/, "").trim());
  });
  close();
  return passages;
}

/**
 * The terms of a glossary, which is a JSON object of terms and meanings.
 *
 * @throws {SyntaxError} If the text is not valid JSON.
 */
function glossaryPassages(path: string, text: string): Passage[] {
  const terms = JSON.parse(text) as Record<string, string>;
  return Object.entries(terms).map(([heading, meaning]) => ({
    path,
    line: 1,
    heading,
    text: meaning,
  }));
}

/** Splits a document into passages. */
export function passagesOf(path: string, text: string): Passage[] {
  if (path.endsWith(".json")) return glossaryPassages(path, text);
  return markdownPassages(path, text);
}

/** Splits a passage into sentences. */
export function sentencesOf(text: string): string[] {
  const options = text.split(/(?<=[.!?:])\s+(?=[A-Z`"(])/).map((part) => part.trim());
  return options.filter((part) => part.length > 20);
}

function plain(markup: string): string {
  return markup
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*|`/g, "")
    .trim();
}
