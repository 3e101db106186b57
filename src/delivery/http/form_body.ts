/**
 * Bodies of type `multipart/form-data`.
 * @module
 */

/** Field of a form. */
export interface FormField {
  readonly name: string;
  /** Name of the file in the field; a field without one contains text. */
  readonly filename?: string;
  readonly content: Uint8Array;
}

/** Encoded form: the same fields always give the same bytes. */
export class FormBody {
  /** Value of the header `Content-Type`. */
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;

  /** Encodes the fields. */
  constructor(fields: readonly FormField[]) {
    const boundary = boundaryOf(fields);
    this.contentType = `multipart/form-data; boundary=${boundary}`;
    const encoder = new TextEncoder();
    const pieces = fields.flatMap((field) => [
      encoder.encode(`--${boundary}\r\n${headersOf(field)}\r\n\r\n`),
      field.content,
      encoder.encode("\r\n"),
    ]);
    pieces.push(encoder.encode(`--${boundary}--\r\n`));
    this.bytes = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
    let at = 0;
    for (const piece of pieces) {
      this.bytes.set(piece, at);
      at += piece.length;
    }
  }
}

function headersOf({ name, filename }: FormField): string {
  const disposition = `Content-Disposition: form-data; name="${escaped(name)}"`;
  return filename === undefined
    ? disposition
    : `${disposition}; filename="${escaped(filename)}"\r\nContent-Type: application/octet-stream`;
}

/** Escapes names of fields and files as browsers do. */
function escaped(name: string): string {
  return name.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}

/**
 * Returns a boundary that no field contains, in a single pass even if fields are full of
 * boundaries.
 */
function boundaryOf(fields: readonly FormField[]): string {
  const texts = fields.map(({ content }) => new TextDecoder("latin1").decode(content));
  let number = 0;
  for (const text of texts) {
    for (const [, used] of text.matchAll(/weave-wal-form-(\d{1,9})/g)) {
      number = Math.max(number, Number(used) + 1);
    }
  }
  for (;; number++) {
    const boundary = `weave-wal-form-${number}`;
    if (!texts.some((text) => text.includes(boundary))) return boundary;
  }
}
