/**
 * Saves values: objects, ops, tables and files become records, and refs exist at once.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import {
  bytesDigest,
  type InternalProjectId,
  serverDigest,
  tableDigest,
} from "../../protocol/digest/digest.ts";
import type { Ids } from "../../protocol/ids.ts";
import { toJsonText } from "../../protocol/json/stringify.ts";
import { fileRequest } from "./file_request.ts";
import { kindOf } from "./kind.ts";
import { type MediaFile, mediaFile } from "./media.ts";
import { ObjectRef, OpRef, TableRef, TableRowRef } from "./object_ref.ts";
import { cleanObjectId, opObjectId } from "../op/op_name.ts";
import { type OpState, opState } from "../op/op_types.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type AnyRef, savedRef, setSavedRef } from "./saved_refs.ts";
import type { Table } from "./table.ts";
import {
  isProvisional,
  provisionalDigest,
  provisionalRowDigest,
  provisionalTableDigest,
} from "../../protocol/digest/provisional.ts";
import { classChain, isWeaveObject, type WeaveObject } from "./weave_object.ts";

/** Bytes of rows after which a table goes out in several requests. */
const TABLE_CHUNK_CHARS = 8 * 1024 * 1024;

/** What a publisher is made from. */
export interface PublisherParts {
  /** `entity/project`. */
  readonly projectId: string;
  readonly append: Pipeline["append"];
  readonly ids: Ids;
  /** Internal ids of projects, as far as they are known. */
  readonly internalProjectId: InternalProjectId;
  /** Told when a value could be given a provisional digest only, as it refers to this project. */
  readonly onUnknownProject: () => void;
  /** Whether values remember that they are saved; not where records go nowhere. */
  readonly remember: boolean;
}

/** Saves values under one project. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #projectText: string;
  readonly #files = new WeakMap<object, unknown>();
  /** By function: ops of one method that are made anew for every object are saved once. */
  readonly #ops = new WeakMap<object, Map<string, OpRef>>();
  /** Objects whose fields are being saved. */
  readonly #saving = new Set<object>();

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#projectText = JSON.stringify(parts.projectId);
  }

  /**
   * JSON text of a value as a record holds it: what has a ref is replaced by it, what is to have one
   * is saved first. Never throws.
   */
  readonly toText = (value: unknown): string => toJsonText(value, this.#substitute);

  /**
   * Saves a value and gives its ref.
   *
   * @throws {WeaveWalError} `ERR_INVALID_NAME` when nothing of its name can be an object's id.
   */
  save(value: unknown, objectId?: string): ObjectRef | OpRef {
    const op = opState(value);
    if (op) return this.#saveOp(op, objectId);
    if (isWeaveObject(value)) return this.#saveObject(value, objectId);
    const known = typeof value === "object" && value !== null ? this.#refOf(value) : undefined;
    if (known instanceof ObjectRef) return known;
    const text = this.toText(value);
    const ref = this.#createObject(
      objectId === undefined ? this.#parts.ids.uuidv7() : checkObjectId(objectId),
      text,
    );
    if (typeof value === "object" && value !== null) this.#remember(value, ref);
    return ref;
  }

  /** Saves an op and gives the JSON text of its ref. */
  readonly opText = (op: OpState): string => JSON.stringify(this.#saveOp(op).uri());

  /**
   * Saves a value as a version of an object, whether it is saved already or not.
   *
   * @returns The digest; `undefined` with `builtinClass`.
   */
  createObject(objectId: string, value: unknown, builtinClass?: string): string | undefined {
    const id = checkObjectId(objectId);
    const text = this.toText(value);
    if (builtinClass === undefined) return this.#createObject(id, text).digest;
    this.#appendObject(id, text, `,"builtin_object_class":${JSON.stringify(builtinClass)}`);
    return undefined;
  }

  /** The digest of a row; `undefined` where only the server can know it. */
  rowDigest(row: unknown): string | undefined {
    return serverDigest(JSON.parse(this.toText(row)), this.#parts.internalProjectId);
  }

  /**
   * Whether the value's digest depends on internal ids: it holds refs, or what is saved under one.
   */
  holdsRefs(value: unknown): boolean {
    let found = false;
    const text = toJsonText(isWeaveObject(value) ? value.saveAttrs() : value, (part) => {
      if (Array.isArray(part)) return undefined;
      const isRef = opState(part) !== undefined || kindOf(part) !== undefined ||
        (part !== value && this.#refOf(part) !== undefined);
      found ||= isRef;
      return isRef || mediaFile(part) ? null : undefined;
    });
    return found || text.includes("weave:///");
  }

  /** Saves a file and gives its digest. */
  saveFile(name: string, content: string | Uint8Array): string {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = bytesDigest(bytes);
    this.#parts.append("file_create", fileRequest(this.#parts.projectId, name, content));
    return digest;
  }

  /** Saves rows as a table and gives the digests of the table and of its rows. */
  createTable(rows: readonly unknown[]): { digest: string; rowDigests: string[] } {
    const texts = rows.map(this.toText);
    const known = texts.map((text) =>
      serverDigest(JSON.parse(text), this.#parts.internalProjectId)
    );
    if (known.includes(undefined)) return this.#createUnknownTable(texts);
    const rowDigests = known as string[];
    const chunks = chunksOf(texts);
    for (const chunk of chunks) {
      this.#parts.append(
        "table_create",
        `{"table":{"project_id":${this.#projectText},"rows":[${chunk.join(",")}]}}`,
      );
    }
    const digest = chunks.length > 1
      ? this.createTableFromDigests(rowDigests)
      : tableDigest(rowDigests);
    return { digest, rowDigests };
  }

  /** Makes a table of rows that the server has, or gets before it; gives the table's digest. */
  createTableFromDigests(rowDigests: readonly string[]): string {
    const unknown = rowDigests.some(isProvisional);
    const digest = unknown
      ? provisionalTableDigest(this.#parts.ids.uuidHex())
      : tableDigest(rowDigests);
    const expected = unknown ? `,"expected_digest":"${digest}"` : "";
    this.#parts.append(
      "table_create_from_digests",
      `{"project_id":${this.#projectText},"row_digests":${JSON.stringify(rowDigests)}${expected}}`,
    );
    return digest;
  }

  /** A table with rows whose digests only the server can know: it goes out whole. */
  #createUnknownTable(texts: readonly string[]): { digest: string; rowDigests: string[] } {
    const { ids, append, onUnknownProject } = this.#parts;
    onUnknownProject();
    const digest = provisionalTableDigest(ids.uuidHex());
    append(
      "table_create",
      `{"table":{"project_id":${this.#projectText},"expected_digest":"${digest}",` +
        `"rows":[${texts.join(",")}]}}`,
    );
    return { digest, rowDigests: texts.map((_, index) => provisionalRowDigest(digest, index)) };
  }

  readonly #substitute = (value: object): unknown => {
    if (typeof value === "function") {
      const op = opState(value);
      return op && this.#saveOp(op).uri();
    }
    if (Array.isArray(value)) return undefined;
    const kind = kindOf(value);
    if (kind === "WeaveObject") {
      const object = value as WeaveObject;
      return this.#saving.has(object) ? "[Circular]" : this.#saveObject(object).uri();
    }
    if (kind === "Table") return this.#saveTable(value as Table<object>).uri();
    const known = this.#refOf(value);
    if (known) return known.uri();
    if (kind !== undefined) return (value as AnyRef & object).uri();
    const media = mediaFile(value);
    return media && this.#saveMedia(value, media);
  };

  /** The ref of a value that is saved in this project. */
  #refOf(value: object): AnyRef | undefined {
    const ref = savedRef(value);
    return ref?.projectId === this.#parts.projectId ? ref : undefined;
  }

  #remember(value: object, ref: AnyRef): void {
    if (this.#parts.remember) setSavedRef(value, ref);
  }

  #saveObject(object: WeaveObject, objectId?: string): ObjectRef {
    const known = this.#refOf(object);
    if (known) return known as ObjectRef;
    const id = checkObjectId(objectId ?? object.name);
    this.#saving.add(object);
    try {
      const names = classChain(object);
      const text = this.toText({
        _type: names[0],
        _class_name: names[0],
        _bases: names.slice(1),
        ...object.saveAttrs(),
      });
      const ref = this.#createObject(id, text);
      this.#remember(object, ref);
      return ref;
    } finally {
      this.#saving.delete(object);
    }
  }

  #createObject(objectId: string, valueText: string): ObjectRef {
    const { projectId, internalProjectId, onUnknownProject, ids } = this.#parts;
    const exact = serverDigest(JSON.parse(valueText), internalProjectId);
    if (exact !== undefined) {
      this.#appendObject(objectId, valueText, "");
      return new ObjectRef(projectId, objectId, exact);
    }
    onUnknownProject();
    const digest = provisionalDigest(ids.uuidHex());
    this.#appendObject(objectId, valueText, `,"expected_digest":"${digest}"`);
    return new ObjectRef(projectId, objectId, digest);
  }

  #appendObject(objectId: string, valueText: string, more: string): void {
    const id = JSON.stringify(objectId);
    this.#parts.append(
      "obj_create",
      `{"obj":{"project_id":${this.#projectText},"object_id":${id},"val":${valueText}${more}}}`,
    );
  }

  #saveTable(table: Table<object>): TableRef {
    const known = this.#refOf(table);
    if (known) return known as TableRef;
    const { projectId } = this.#parts;
    // A row that is saved already is saved as a row again, not as a ref to one.
    const { digest, rowDigests } = this.createTable(table.rows.map((row) => ({ ...row })));
    table.rows.forEach((row, i) => {
      if (typeof row === "object" && row !== null) {
        this.#remember(row, new TableRowRef(projectId, digest, rowDigests[i]));
      }
    });
    const ref = new TableRef(projectId, digest);
    this.#remember(table, ref);
    return ref;
  }

  #saveOp(op: OpState, objectId?: string): OpRef {
    const id = objectId === undefined ? opObjectId(op.name) : checkObjectId(objectId);
    let saved = this.#ops.get(op.original);
    if (!saved) this.#ops.set(op.original, saved = new Map());
    const known = saved.get(id);
    if (known) return known;
    const digest = this.saveFile("obj.py", Function.prototype.toString.call(op.original));
    const { projectId } = this.#parts;
    const object = this.#createObject(id, JSON.stringify(customType("Op", { "obj.py": digest })));
    const ref = new OpRef(projectId, id, object.digest);
    saved.set(id, ref);
    return ref;
  }

  #saveMedia(value: object, media: MediaFile): unknown {
    const known = this.#files.get(value);
    if (known) return known;
    const digest = this.saveFile(media.fileName, media.bytes);
    const saved = customType(media.typeName, { [media.fileName]: digest });
    this.#files.set(value, saved);
    return saved;
  }
}

/** How a value that is files is saved. */
function customType(type: string, files: Record<string, string>): Record<string, unknown> {
  return { _type: "CustomWeaveType", weave_type: { type }, files, load_op: "NO_LOAD_OP" };
}

/** An object's id as the server takes it. */
function checkObjectId(name: string): string {
  const id = /^[\w.-]{1,128}$/.test(name) ? name : cleanObjectId(name);
  if (id !== "") return id;
  throw new WeaveWalError(
    "ERR_INVALID_NAME",
    `Cannot save an object under this name: ${JSON.stringify(name)} has no letter and no digit`,
  );
}

function chunksOf(texts: string[]): string[][] {
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
