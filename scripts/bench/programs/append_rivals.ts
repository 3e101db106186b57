/**
 * Other ways of storing a record, each configured for its highest speed without a sync
 * per record.
 *
 * @module
 */

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { destination, pino } from "pino";
import { detectRuntime } from "../../../src/runtime/detect.ts";

/** A way of storing a record. */
export interface Way {
  readonly name: string;
  /** Returns once the record survives the death of the process. */
  append(request: unknown): void;
  close(): unknown;
}

/** A database of the runtime's own SQLite. */
interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: string[]): unknown };
  close(): void;
}

/** Opens all ways that are available on this runtime. */
export async function openRivals(directory: string): Promise<Way[]> {
  const sqlite = await openSqlite(join(directory, "records.sqlite"));
  return [
    appendedFile(join(directory, "appended.jsonl")),
    openPino(join(directory, "pino.jsonl")),
    openLmdb(join(directory, "lmdb")),
    ...(sqlite === undefined ? [] : [sqlite]),
  ];
}

function appendedFile(path: string): Way {
  return {
    name: "appendFileSync",
    append: (request) => appendFileSync(path, JSON.stringify(request) + "\n"),
    close: () => {},
  };
}

function openPino(path: string): Way {
  const file = destination({ dest: path, sync: true });
  const logger = pino({ base: null, timestamp: false }, file);
  return {
    name: "pino",
    append: (request) => logger.info(request),
    close: () => file.end(),
  };
}

function openLmdb(path: string): Way {
  const database = open({ path, noSync: true, encoding: "json" });
  let key = 0;
  return {
    name: "lmdb",
    append: (request) => database.putSync(key++, request),
    close: () => database.close(),
  };
}

/** The runtime's own SQLite with a write-ahead log; `undefined` on Node before 22.5. */
async function openSqlite(path: string): Promise<Way | undefined> {
  const isBun = detectRuntime().name === "bun";
  let database: Database;
  try {
    const module = await import(isBun ? "bun:sqlite" : "node:sqlite") as {
      Database?: new (path: string) => Database;
      DatabaseSync?: new (path: string) => Database;
    };
    database = new (module.Database ?? module.DatabaseSync)!(path);
  } catch {
    return undefined;
  }
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  database.exec("CREATE TABLE records (request TEXT NOT NULL)");
  const insert = database.prepare("INSERT INTO records VALUES (?)");
  return {
    name: "sqlite",
    append: (request) => insert.run(JSON.stringify(request)),
    close: () => database.close(),
  };
}
