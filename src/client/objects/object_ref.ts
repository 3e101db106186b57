/**
 * Refs identify saved objects.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { DEFAULT_SITE_URL } from "../settings/defaults.ts";
import { markClass } from "./kind.ts";
import { clientFor, globalClient } from "../global_client.ts";

/**
 * Identifies a saved object by its project, its ID and the digest of its value.
 *
 * @example
 * ```ts
 * import { ObjectRef } from "@weave-wal/client";
 *
 * const ref = new ObjectRef("team/project", "prompt", "abc");
 * if (ref.uri() !== "weave:///team/project/object/prompt:abc") throw new Error(ref.uri());
 * ```
 */
export class ObjectRef {
  /** Creates a ref from its parts. */
  constructor(
    /** `entity/project`. */
    readonly projectId: string,
    /** ID of the object. */
    readonly objectId: string,
    /** Digest of its value, or `"latest"`. */
    readonly digest: string,
  ) {}

  /**
   * Parses `weave:///entity/project/object/name:digest`.
   *
   * @param uri A ref such as `weave:///team/project/object/settings:abc`.
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for any other text.
   */
  static fromUri(uri: string): ObjectRef {
    const match = /^weave:\/\/\/([^/]+\/[^/]+)\/object\/([^/:]+)(?::([^/:]+))?(?:\/.*)?$/.exec(uri);
    if (!match) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        `Cannot read ref: ${JSON.stringify(uri)} is not weave:///entity/project/object/name:digest`,
      );
    }
    return new ObjectRef(match[1], match[2], match[3] ?? "latest");
  }

  /** Returns `weave:///entity/project/object/name:digest`. */
  uri(): string {
    return `weave:///${this.projectId}/object/${this.objectId}:${this.digest}`;
  }

  /** Returns the URL of the object in the UI. */
  ui_url(): string {
    return uiUrl(this.projectId, "objects", this.objectId, this.digest);
  }

  /**
   * Reads the object from the server, after earlier writes of this process are delivered.
   *
   * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`, `ERR_REQUEST_FAILED` if the server
   * does not have it.
   */
  get(): Promise<unknown> {
    return clientFor(this.projectId).get(this);
  }
}

/**
 * Identifies a saved op.
 *
 * @example
 * ```ts
 * import { OpRef } from "@weave-wal/client";
 *
 * const ref = new OpRef("team/project", "ask", "abc");
 * if (ref.uri() !== "weave:///team/project/op/ask:abc") throw new Error(ref.uri());
 * ```
 */
export class OpRef {
  /** Creates a ref from its parts. */
  constructor(
    /** `entity/project`. */
    readonly projectId: string,
    /** ID of the op's object. */
    readonly objectId: string,
    /** Digest of its value, or `"latest"`. */
    readonly digest: string,
  ) {}

  /** Returns `weave:///entity/project/op/name:digest`. */
  uri(): string {
    return `weave:///${this.projectId}/op/${this.objectId}:${this.digest}`;
  }

  /** Returns the URL of the op in the UI. */
  ui_url(): string {
    return uiUrl(this.projectId, "ops", this.objectId, this.digest);
  }

  /**
   * Reads the saved form of the op, which includes the digest of its source.
   *
   * @throws {WeaveWalError} The same as {@linkcode ObjectRef.get}.
   */
  get(): Promise<unknown> {
    return clientFor(this.projectId).get(this);
  }
}

/**
 * Identifies a saved table.
 *
 * @example
 * ```ts
 * import { TableRef } from "@weave-wal/client";
 *
 * const ref = new TableRef("team/project", "abc");
 * if (ref.uri() !== "weave:///team/project/table/abc") throw new Error(ref.uri());
 * ```
 */
export class TableRef {
  /** Creates a ref from its parts. */
  constructor(
    /** `entity/project`. */
    readonly projectId: string,
    /** Digest of the table. */
    readonly digest: string,
  ) {}

  /**
   * Parses `weave:///entity/project/table/digest`.
   *
   * @param uri A ref such as `weave:///team/project/table/abc`.
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for any other text.
   */
  static parseUri(uri: string): TableRef {
    const match = /^weave:\/\/\/([^/]+\/[^/]+)\/table\/([^/]+)$/.exec(uri);
    if (!match) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        `Cannot read ref: ${JSON.stringify(uri)} is not weave:///entity/project/table/digest`,
      );
    }
    return new TableRef(match[1], match[2]);
  }

  /** Returns `weave:///entity/project/table/digest`. */
  uri(): string {
    return `weave:///${this.projectId}/table/${this.digest}`;
  }
}

/**
 * Identifies a row of a saved table.
 *
 * @example
 * ```ts
 * import { TableRowRef } from "@weave-wal/client";
 *
 * const uri = new TableRowRef("team/project", "abc", "def").uri();
 * if (!uri.startsWith("weave:///team/project/table/abc/")) throw new Error(uri);
 * ```
 */
export class TableRowRef {
  /** Creates a ref from its parts. */
  constructor(
    /** `entity/project`. */
    readonly projectId: string,
    /** Digest of the table. */
    readonly digest: string,
    /** Digest of the row. */
    readonly rowDigest: string,
  ) {}

  /** Returns `weave:///entity/project/table/digest/id/row-digest`. */
  uri(): string {
    return `weave:///${this.projectId}/table/${this.digest}/id/${this.rowDigest}`;
  }
}

/**
 * Identifies a row of a saved dataset.
 *
 * @example
 * ```ts
 * import { DatasetRowRef } from "@weave-wal/client";
 *
 * const uri = new DatasetRowRef("team/project", "words", "abc", "def").uri();
 * if (!uri.startsWith("weave:///team/project/object/words:abc/")) throw new Error(uri);
 * ```
 */
export class DatasetRowRef {
  /** Creates a ref from its parts. */
  constructor(
    /** `entity/project`. */
    readonly projectId: string,
    /** Object ID of the dataset. */
    readonly objId: string,
    /** Digest of the dataset. */
    readonly digest: string,
    /** Digest of the row. */
    readonly rowDigest: string,
  ) {}

  /** Returns `weave:///entity/project/object/name:digest/attr/rows/id/row-digest`. */
  uri(): string {
    return `weave:///${this.projectId}/object/${this.objId}:${this.digest}/attr/rows/id/${this.rowDigest}`;
  }
}

markClass(ObjectRef, "ObjectRef");
markClass(OpRef, "OpRef");
markClass(TableRef, "TableRef");
markClass(TableRowRef, "TableRowRef");
markClass(DatasetRowRef, "DatasetRowRef");

/** Returns the ref of a call, `weave:///entity/project/call/id`. */
export function callRefUri(projectId: string, callId: string): string {
  return `weave:///${projectId}/call/${callId}`;
}

function uiUrl(projectId: string, kind: string, objectId: string, digest: string): string {
  const site = globalClient()?.siteUrl ?? DEFAULT_SITE_URL;
  return `${site}/${projectId}/weave/${kind}/${encodeURIComponent(objectId)}/versions/${digest}`;
}
