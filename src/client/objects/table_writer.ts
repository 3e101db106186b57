/**
 * Writes tables: creates their records, and computes the digests of tables and rows.
 *
 * @module
 */

import { type InternalProjectId, serverDigest, tableDigest } from "../../protocol/digest/digest.ts";
import {
  isProvisional,
  provisionalRowDigest,
  provisionalTableDigest,
} from "../../protocol/digest/provisional.ts";
import type { Ids } from "../../protocol/ids.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/** Characters of rows above which a table is split into several requests. */
const TABLE_CHUNK_CHARS = 8 * 1024 * 1024;

/** Dependencies of a {@linkcode TableWriter}. */
export interface TableWriterOptions {
  /** `entity/project`. */
  readonly projectId: string;
  readonly append: Pipeline["append"];
  readonly ids: Ids;
  /** Returns the internal ID of a project, if known. */
  readonly internalProjectId: InternalProjectId;
  /** Called when a value gets only a provisional digest, because it refers to this project. */
  readonly onUnknownProject: () => void;
}

/** Digests of a table and its rows; provisional if only the server can know them. */
export interface TableDigests {
  readonly digest: string;
  readonly rowDigests: string[];
}

/** Writes tables in one project. */
export class TableWriter {
  readonly #options: TableWriterOptions;
  readonly #projectText: string;

  constructor(options: TableWriterOptions) {
    this.#options = options;
    this.#projectText = JSON.stringify(options.projectId);
  }

  /** Writes a table from rows, given as JSON text. */
  create(texts: readonly string[]): TableDigests {
    const known = texts.map((text) =>
      serverDigest(JSON.parse(text), this.#options.internalProjectId)
    );
    if (known.includes(undefined)) return this.#createUnknown(texts);
    const rowDigests = known as string[];
    const chunks = chunksOf(texts);
    for (const chunk of chunks) {
      this.#options.append(
        "table_create",
        `{"table":{"project_id":${this.#projectText},"rows":[${chunk.join(",")}]}}`,
      );
    }
    const digest = chunks.length > 1 ? this.createFromDigests(rowDigests) : tableDigest(rowDigests);
    return { digest, rowDigests };
  }

  /**
   * Creates a table from rows that the server has or receives earlier; returns the table's digest.
   */
  createFromDigests(rowDigests: readonly string[]): string {
    const unknown = rowDigests.some(isProvisional);
    const digest = unknown
      ? provisionalTableDigest(this.#options.ids.uuidHex())
      : tableDigest(rowDigests);
    const expected = unknown ? `,"expected_digest":"${digest}"` : "";
    this.#options.append(
      "table_create_from_digests",
      `{"project_id":${this.#projectText},"row_digests":${JSON.stringify(rowDigests)}${expected}}`,
    );
    return digest;
  }

  /** Writes a table with rows whose digests only the server can know, in one request. */
  #createUnknown(texts: readonly string[]): TableDigests {
    const { ids, append, onUnknownProject } = this.#options;
    onUnknownProject();
    const digest = provisionalTableDigest(ids.uuidHex());
    append(
      "table_create",
      `{"table":{"project_id":${this.#projectText},"expected_digest":"${digest}",` +
        `"rows":[${texts.join(",")}]}}`,
    );
    return { digest, rowDigests: texts.map((_, index) => provisionalRowDigest(digest, index)) };
  }
}

function chunksOf(texts: readonly string[]): string[][] {
  const chunks: string[][] = [[]];
  let size = 0;
  for (const text of texts) {
    if (size + text.length > TABLE_CHUNK_CHARS && size > 0) {
      chunks.push([]);
      size = 0;
    }
    chunks[chunks.length - 1].push(text);
    size += text.length;
  }
  return chunks;
}
