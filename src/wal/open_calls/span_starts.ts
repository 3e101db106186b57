/**
 * The file with the starts of spans beside the current segment of this process.
 *
 * @module
 */

import type { AppendFile, FileSystem } from "../../runtime/file_system.ts";
import { writeAll } from "../dead_letters/dead_letter_file.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const SPAN = /"span":"[^"\\]+"/;

/** Notes starts of spans. */
export class SpanStarts {
  readonly #files: FileSystem;
  #current: { readonly path: string; readonly file: AppendFile } | null = null;
  /** Size of the file when the segment was last seen to be in place. */
  #verified = 0;

  /** Opens nothing before the first start. */
  constructor(files: FileSystem) {
    this.#files = files;
  }

  /**
   * Appends starts. Throws the host's error.
   *
   * @param path The file beside the current segment.
   * @param lines The spans as they are now, as lines of records.
   */
  note(path: string, lines: string): void {
    try {
      if (this.#current?.path !== path) {
        this.close();
        this.#current = { path, file: this.#files.openAppend(path) };
      }
      writeAll(this.#current!.file, encoder.encode(lines));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The segment is in place: the starts so far are where another process finds them. */
  verified(): void {
    if (this.#current !== null) this.#verified = this.#current.file.size();
  }

  /**
   * The segment was taken over: the starts that another process may not have seen.
   *
   * @param tail Records since then; spans that end in it are left out.
   */
  takeUnseen(tail: Uint8Array): string {
    if (this.#current === null) return "";
    const { file } = this.#current;
    const unseen = new Uint8Array(Math.max(0, file.size() - this.#verified));
    const length = file.read(this.#verified, unseen);
    const ended = decoder.decode(tail);
    return decoder.decode(unseen.subarray(0, length)).split(/(?<=\n)/).filter((line) => {
      const span = SPAN.exec(line)?.[0];
      return span !== undefined && line.endsWith("\n") && !ended.includes(span);
    }).join("");
  }

  /** The segment was left. */
  close(): void {
    this.#current?.file.close();
    this.#current = null;
    this.#verified = 0;
  }
}
