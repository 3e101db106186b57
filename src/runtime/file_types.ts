/**
 * File metadata, and options for reading it.
 *
 * @module
 */

/** Type of a directory entry; symbolic links are not followed. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** An entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: FileKind;
}

/** The result of {@linkcode FileSystem.stat}. */
export interface FileStat {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Identity of the file on its device, as text; equal for two names of the same file. */
  readonly id: string;
  /** Time of the last content change, epoch ms. */
  readonly modified: number;
  /** User ID of the owner; `null` if files have none (Windows). */
  readonly owner: number | null;
  /** Permission bits, with the sticky bit; `null` if files have none (Windows). */
  readonly mode: number | null;
}

/** Options for {@linkcode FileSystem.stat}. */
export interface StatOptions {
  /** Follows a symbolic link in the last part of the path; default `false`. */
  readonly followLinks?: boolean;
}

/** Default maximum bytes that {@linkcode FileSystem.readText} reads: 1 MiB. */
export const MAX_TEXT_BYTES: number = 1024 * 1024;

/** Options for {@linkcode FileSystem.readText}. */
export interface ReadTextOptions {
  /** Maximum size of the file in bytes; default {@linkcode MAX_TEXT_BYTES}. */
  readonly maxBytes?: number;
  /**
   * Follows a symbolic link in the last part of the path; default `false`. Only for files
   * that belong to the user, such as `~/.netrc`, never for those of a log.
   */
  readonly followLinks?: boolean;
}
