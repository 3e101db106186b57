/**
 * Saves values: writes records for objects, ops, tables and files, and creates their refs
 * immediately.
 *
 * @module
 */

import { bytesDigest, serverDigest } from "../../protocol/digest/digest.ts";
import { assignData } from "../../protocol/json/object_facts.ts";
import { toJsonText } from "../../protocol/json/stringify.ts";
import { jsonString } from "../../protocol/json/well_formed.ts";
import { fileRequest } from "./file_request.ts";
import { kindOf } from "./kind.ts";
import { type MediaFile, mediaFile } from "./media.ts";
import { ObjectRef, OpRef, TableRef, TableRowRef } from "./object_ref.ts";
import { toObjectId } from "./object_id.ts";
import type { Redactor } from "../redaction/redactor.ts";
import { invalidOption } from "../settings/invalid_option.ts";
import { opObjectId } from "../op/op_name.ts";
import { isOp, officialOp, type OpSource, type OpState, opState } from "../op/op_state.ts";
import { type AnyRef, savedRef, setSavedRef } from "./saved_refs.ts";
import type { Table } from "./table.ts";
import { type TableDigests, TableWriter, type TableWriterOptions } from "./table_writer.ts";
import { provisionalDigest } from "../../protocol/digest/provisional.ts";
import { classChain, isWeaveObject, type WeaveObject } from "./weave_object.ts";

/** Dependencies of a {@linkcode Publisher}. */
export interface PublisherOptions extends TableWriterOptions {
  /** Stores refs of saved values; `false` if records are discarded. */
  readonly remember: boolean;
  readonly redactor: Redactor;
}

/** Saves values in one project. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #projectText: string;
  readonly #tables: TableWriter;
  readonly #files = new WeakMap<object, unknown>();
  /** Refs of ops, by function, so that an op created again for every object is saved once. */
  readonly #ops = new WeakMap<object, Map<string, OpRef>>();
  /** Objects whose fields are being saved. */
  readonly #saving = new Set<object>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#projectText = JSON.stringify(options.projectId);
    this.#tables = new TableWriter(options);
  }

  /**
   * Returns the JSON text of a value for a record: values with a ref are replaced by it, and values
   * that need one are saved first. Never throws.
   *
   * @param maxChars Maximum characters of the text; default: what fits into a request.
   * @param field The record's field that contains the value, for fields with the program's data.
   */
  readonly toText = (value: unknown, maxChars?: number, field?: string): string =>
    this.#options.redactor.toText(value, this.#substitute, maxChars, field);

  /** Returns the JSON text of a request, with its content redacted. */
  requestText(request: unknown): string {
    return this.toText(this.#options.redactor.request(request));
  }

  /** Returns the content of a file, redacted. */
  redactedFile(name: string, content: string | Uint8Array): string | Uint8Array {
    return this.#options.redactor.file(name, content);
  }

  /**
   * Returns a serialized request with spans, redacted.
   *
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` if the bytes are not such a request.
   */
  redactedSpans(request: Uint8Array): Uint8Array {
    try {
      return this.#options.redactor.spans(request);
    } catch {
      throw invalidOption("spans", request, "a serialized ExportTraceServiceRequest");
    }
  }

  /**
   * Saves a value, and returns its ref.
   *
   * @throws {WeaveWalError} `ERR_INVALID_NAME` if no object ID can be derived from its name.
   */
  save(value: unknown, objectId?: string): ObjectRef | OpRef {
    const op = opState(value) ?? officialOp(value);
    if (op) return this.#saveOp(op, objectId);
    if (isWeaveObject(value)) return this.#saveObject(value, objectId);
    const known = typeof value === "object" && value !== null ? this.#refOf(value) : undefined;
    if (known instanceof ObjectRef) return known;
    const text = this.toText(value, undefined, "val");
    const ref = this.#createObject(
      objectId === undefined ? this.#options.ids.uuidv7() : this.#objectId(objectId),
      text,
    );
    if (typeof value === "object" && value !== null) this.#remember(value, ref);
    return ref;
  }

  /** Saves an op, and returns the JSON text of its ref. */
  readonly opText = (op: OpState): string => JSON.stringify(this.#saveOp(op).uri());

  /**
   * Saves a value as a new version of an object, even if the value is already saved.
   *
   * @returns The digest; `undefined` with `builtinClass`.
   */
  createObject(objectId: string, value: unknown, builtinClass?: string): string | undefined {
    const id = this.#objectId(objectId);
    const text = this.toText(value, undefined, "val");
    if (builtinClass === undefined) return this.#createObject(id, text).digest;
    this.#appendObject(id, text, `,"builtin_object_class":${jsonString(builtinClass)}`);
    return undefined;
  }

  /** Returns the digest of a row; `undefined` if only the server can know it. */
  rowDigest(row: unknown): string | undefined {
    return serverDigest(
      JSON.parse(this.toText(row, undefined, "row")),
      this.#options.internalProjectId,
    );
  }

  /**
   * Returns whether the value's digest depends on internal ids: it holds refs, or what is saved
   * under one.
   */
  holdsRefs(value: unknown): boolean {
    let found = false;
    const text = toJsonText(isWeaveObject(value) ? value.saveAttrs() : value, (part) => {
      if (Array.isArray(part)) return undefined;
      const isRef = isOp(part) || officialOp(part) !== undefined || kindOf(part) !== undefined ||
        (part !== value && this.#refOf(part) !== undefined);
      found ||= isRef;
      return isRef || mediaFile(part) ? null : undefined;
    });
    return found || text.includes("weave:///");
  }

  /** Saves a file, and returns its digest. */
  saveFile(name: string, given: string | Uint8Array): string {
    const { redactor } = this.#options;
    return this.saveRedacted(redactor.line(name), redactor.file(name, given));
  }

  /** Saves an already redacted file, and returns its digest. */
  readonly saveRedacted = (name: string, content: string | Uint8Array): string => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = bytesDigest(bytes);
    this.#options.append("file_create", fileRequest(this.#options.projectId, name, content));
    return digest;
  };

  /** Saves rows as a table, and returns the digests of the table and its rows. */
  createTable(rows: readonly unknown[]): TableDigests {
    return this.#tables.create(rows.map((row) => this.toText(row, undefined, "row")));
  }

  /**
   * Creates a table from rows that the server has or receives earlier; returns the table's digest.
   */
  createTableFromDigests(rowDigests: readonly string[]): string {
    return this.#tables.createFromDigests(rowDigests);
  }

  /** Runs for every object in every traced call, so plain data is checked first. */
  readonly #substitute = (value: object): unknown => {
    if (Array.isArray(value)) return undefined;
    if (typeof value === "function") {
      const op = opState(value) ?? officialOp(value);
      return op && this.#saveOp(op).uri();
    }
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

  /** Returns the ref of a value that is saved in this project. */
  #refOf(value: object): AnyRef | undefined {
    const ref = savedRef(value);
    return ref?.projectId === this.#options.projectId ? ref : undefined;
  }

  #remember(value: object, ref: AnyRef): void {
    if (this.#options.remember) setSavedRef(value, ref);
  }

  #saveObject(object: WeaveObject, objectId?: string): ObjectRef {
    const known = this.#refOf(object);
    if (known) return known as ObjectRef;
    const id = this.#objectId(objectId ?? object.name);
    this.#saving.add(object);
    try {
      const names = classChain(object);
      const text = this.toText(
        {
          _type: names[0],
          _class_name: names[0],
          _bases: names.slice(1),
          ...object.saveAttrs(),
        },
        undefined,
        "val",
      );
      const ref = this.#createObject(id, text);
      this.#remember(object, ref);
      return ref;
    } finally {
      this.#saving.delete(object);
    }
  }

  /** Returns the ID for a name, which may contain a secret too. */
  #objectId(name: string): string {
    return toObjectId(this.#options.redactor.line(name));
  }

  #createObject(objectId: string, valueText: string): ObjectRef {
    const { projectId, internalProjectId, onUnknownProject, ids } = this.#options;
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
    this.#options.append(
      "obj_create",
      `{"obj":{"project_id":${this.#projectText},"object_id":${id},"val":${valueText}${more}}}`,
    );
  }

  #saveTable(table: Table<object>): TableRef {
    const known = this.#refOf(table);
    if (known) return known as TableRef;
    const { projectId } = this.#options;
    // Rows that are already saved are saved as rows again, not as refs.
    const { digest, rowDigests } = this.createTable(table.rows.map((row) => assignData({}, row)));
    table.rows.forEach((row, i) => {
      if (typeof row === "object" && row !== null) {
        this.#remember(row, new TableRowRef(projectId, digest, rowDigests[i]));
      }
    });
    const ref = new TableRef(projectId, digest);
    this.#remember(table, ref);
    return ref;
  }

  #saveOp(op: OpSource, objectId?: string): OpRef {
    const id = objectId === undefined
      ? opObjectId(this.#options.redactor.line(op.name))
      : this.#objectId(objectId);
    let saved = this.#ops.get(op.original);
    if (!saved) this.#ops.set(op.original, saved = new Map());
    const known = saved.get(id);
    if (known) return known;
    const digest = this.saveFile("obj.py", Function.prototype.toString.call(op.original));
    const { projectId } = this.#options;
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

/** Returns the saved form of a value that consists of files. */
function customType(type: string, files: Record<string, string>): Record<string, unknown> {
  return { _type: "CustomWeaveType", weave_type: { type }, files, load_op: "NO_LOAD_OP" };
}
