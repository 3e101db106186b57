/**
 * The traced program, which answers questions from documents. It reads one question per line from
 * standard input. Its arguments are files and folders with documents.
 *
 * It does not know about servers, outages and kills: environment variables configure its tracing.
 *
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import { finish, init, op } from "@weave-wal/client";
import { findDocuments, type Passage, passagesOf, sentencesOf } from "./documents.ts";
import { report, traceAndReport } from "./reporter.ts";
import { type Hit, WordIndex, wordsOf } from "./word_index.ts";

interface Library {
  readonly documents: number;
  readonly skipped: readonly string[];
  readonly passages: readonly Omit<Passage, "text">[];
}

interface Answer {
  readonly answer: string;
  readonly source: string;
  readonly score: number;
}

const INDEX_FILE = "index.json";
const NO_ANSWER: Answer = { answer: "The documents do not answer this.", source: "", score: 0 };

let index = new WordIndex();

const traced = traceAndReport(op);

const readDocument = traced(
  "readDocument",
  async function readDocument(path: string): Promise<string> {
    return await readFile(path, "utf8");
  },
  ["path"],
);

const splitPassages = traced(
  "splitPassages",
  function splitPassages(path: string, text: string): Passage[] {
    return passagesOf(path, text);
  },
  ["path", "text"],
);

const tokenize = traced("tokenize", function tokenize(texts: string[]): string[][] {
  return texts.map(wordsOf);
}, ["texts"]);

const indexDocument = traced(
  "indexDocument",
  async function indexDocument(path: string): Promise<Passage[]> {
    const text = await readDocument(path);
    const passages = splitPassages(path, text);
    // A heading counts twice.
    for (const words of tokenize(passages.map((p) => `${p.heading} ${p.heading} ${p.text}`))) {
      index.add(words);
    }
    return passages;
  },
  ["path"],
);

const buildIndex = traced(
  "buildIndex",
  async function buildIndex(paths: string[]): Promise<Library> {
    const passages: Library["passages"][number][] = [];
    const skipped: string[] = [];
    const documents = await findDocuments(paths);
    for (const document of documents) {
      try {
        const found = await indexDocument(document);
        passages.push(...found.map(({ path, line, heading }) => ({ path, line, heading })));
      } catch {
        skipped.push(document);
      }
    }
    return { documents: documents.length - skipped.length, skipped, passages };
  },
  ["paths"],
);

const loadIndex = traced("loadIndex", async function loadIndex(): Promise<Library | null> {
  const saved = await readFile(INDEX_FILE, "utf8").catch(() => null);
  if (saved === null) return null;
  const { words, ...library } = JSON.parse(saved);
  index = new WordIndex(words);
  return library;
}, []);

const retrieve = traced("retrieve", function retrieve(words: string[]): Hit[] {
  return index.search(words, 20);
}, ["words"]);

const rank = traced("rank", function rank(words: string[], hits: Hit[]): Hit[] {
  const wanted = new Set(words);
  return hits.map(({ passage, score }) => {
    const heading = new Set(wordsOf(library.passages[passage].heading));
    const inHeading = [...wanted].filter((word) => heading.has(word)).length;
    return { passage, score: score * (1 + 0.25 * inHeading / wanted.size) };
  }).sort((a, b) => b.score - a.score).slice(0, 3);
}, ["words", "hits"]);

const openPassage = traced(
  "openPassage",
  async function openPassage(passage: number): Promise<Passage> {
    const { path, line, heading } = library.passages[passage];
    const passages = passagesOf(path, await readFile(path, "utf8"));
    return passages.find((one) => one.line === line && one.heading === heading) ?? passages[0];
  },
  ["passage"],
);

const bestSentence = traced(
  "bestSentence",
  function bestSentence(words: string[], passage: Passage): Answer {
    const weigh = (sentence: string) => {
      const own = new Set(wordsOf(`${passage.heading} ${sentence}`));
      return words.filter((word) => own.has(word))
        .reduce((sum, word) => sum + index.weight(word), 0);
    };
    const [best] = sentencesOf(passage.text)
      .map((sentence) => ({ answer: sentence, score: weigh(sentence) }))
      .sort((a, b) => b.score - a.score);
    return best ? { ...best, source: `${passage.path}:${passage.line}` } : NO_ANSWER;
  },
  ["words", "passage"],
);

const answerQuestion = traced(
  "answerQuestion",
  async function answerQuestion(question: string): Promise<Answer> {
    const [words] = tokenize([question]);
    const hits = rank(words, retrieve(words));
    const answers = await Promise.all(
      hits.map(async ({ passage }) => bestSentence(words, await openPassage(passage))),
    );
    return answers.sort((a, b) => b.score - a.score)[0] ?? NO_ANSWER;
  },
  ["question"],
);

await init("demo/library");

const found = await loadIndex();
const library = found ?? await buildIndex(process.argv.slice(2));
if (found === null) {
  await writeFile(INDEX_FILE, JSON.stringify({ ...library, words: index.save() }));
}
report({
  event: "ready",
  pid: process.pid,
  resumed: found !== null,
  documents: library.documents,
  passages: library.passages.length,
  terms: index.terms,
  skipped: library.skipped,
});

for await (const question of createInterface({ input: process.stdin })) {
  const { answer, source } = await answerQuestion(question);
  report({ event: "answer", question, answer, source });
}

await finish({ timeout: 60_000 });
