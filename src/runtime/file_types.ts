/**
 * Facts about files, and options of reading them.
 *
 * @module
 */

/** The kind of what is at a path; a symbolic link is not followed. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: FileKind;
}

/** The result of {@linkcode FileSystem.stat}. */
export interface FileStat {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Identity of the file on its device, as text: equal for two names of one file. */
  readonly id: string;
  /** Time of the last change of the content, epoch ms. */
  readonly modified: number;
  /** User id of the owner; `null` where files have none (Windows). */
  readonly owner: number | null;
  /** Permission bits, with the sticky bit; `null` where files have none (Windows). */
  readonly mode: number | null;
}

/** Options for {@linkcode FileSystem.stat}. */
export interface StatOptions {
  /** Whether a symbolic link at the last part of the path is followed, `false` by default. */
  readonly followLinks?: boolean;
}

/** Bytes that {@linkcode FileSystem.readText} reads at most by default: 1 MiB. */
export const MAX_TEXT_BYTES: number = 1024 * 1024;

/** Options for {@linkcode FileSystem.readText}. */
export interface ReadTextOptions {
  /** Bytes of the largest file that is read, {@linkcode MAX_TEXT_BYTES} by default. */
  readonly maxBytes?: number;
  /**
   * Whether a symbolic link at the last part of the path is followed, `false` by default. For files
   * that belong to the user, such as `~/.netrc`, and never for those of a log.
   */
  readonly followLinks?: boolean;
}
