/**
 * Refs: the URIs that identify objects, ops, tables and calls in requests.
 *
 * As in the official SDKs, entity, project, name, digest and ID are not encoded. Only the extra
 * path is percent-encoded: in each part, everything except letters, digits and `_.-~` (Python's
 * `extra_value_quoter`).
 *
 * @module
 */

/** Parts of the path after a ref, in pairs such as `attr`, `rows`, `id`, `<row digest>`. */
export type RefExtra = readonly string[];

/** A version of an object or an op. */
export interface ParsedObjectRef {
  /** Kind of the ref. */
  readonly kind: "object" | "op";
  /** Owner of the project. */
  readonly entity: string;
  /** Name of the project. */
  readonly project: string;
  /** Name of the object or op. */
  readonly name: string;
  /** Digest of the version, or `"latest"`. */
  readonly digest: string;
  /** Path to a part of it. */
  readonly extra?: RefExtra;
}

/** A table. */
export interface ParsedTableRef {
  /** Kind of the ref. */
  readonly kind: "table";
  /** Owner of the project. */
  readonly entity: string;
  /** Name of the project. */
  readonly project: string;
  /** Digest of the table. */
  readonly digest: string;
  /** Path to a part of it. */
  readonly extra?: RefExtra;
}

/** A call. */
export interface ParsedCallRef {
  /** Kind of the ref. */
  readonly kind: "call";
  /** Owner of the project. */
  readonly entity: string;
  /** Name of the project. */
  readonly project: string;
  /** ID of the call. */
  readonly id: string;
  /** Path to a part of it. */
  readonly extra?: RefExtra;
}

/** The decoded parts of a ref. */
export type ParsedRef = ParsedObjectRef | ParsedTableRef | ParsedCallRef;

/** Prefix of every ref. */
export const REF_PREFIX = "weave:///";

/**
 * Parses a ref. The name may contain colons; without a digest, it is `"latest"`.
 *
 * @returns `null` if the text is not a ref, or one of another kind.
 */
export function parseRef(uri: string): ParsedRef | null {
  if (!uri.startsWith(REF_PREFIX)) return null;
  const [entity, project, kind, target, ...rest] = uri.slice(REF_PREFIX.length).split("/");
  if (!entity || !project || !target) return null;
  const extra = rest.length === 0 ? {} : { extra: rest.map(unquote) };
  switch (kind) {
    case "call":
      return { kind, entity, project, id: target, ...extra };
    case "table":
      return { kind, entity, project, digest: target, ...extra };
    case "object":
    case "op": {
      const colon = target.lastIndexOf(":");
      const name = colon === -1 ? target : target.slice(0, colon);
      const digest = colon === -1 ? "latest" : target.slice(colon + 1);
      if (name === "" || digest === "") return null;
      return { kind, entity, project, name, digest, ...extra };
    }
  }
  return null;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Works like Python's `unquote`: an invalid encoding stays, or becomes U+FFFD. */
function unquote(part: string): string {
  return part.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = run.slice(1).split("%").map((hex) => parseInt(hex, 16));
    return decoder.decode(Uint8Array.from(bytes));
  });
}
