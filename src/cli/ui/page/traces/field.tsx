/**
 * JSON text of any size, in parts.
 *
 * @module
 */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { FieldView } from "../../api_types.ts";
import { formatBytes } from "../../../terminal/format.ts";
import { indentJson } from "./indent_json.ts";
import { Failure } from "../parts.tsx";

/** A field; `more` reads the part from a byte on. */
export function Field(
  { field, more }: { field: FieldView; more: (from: number) => Promise<FieldView | undefined> },
): JSX.Element {
  const [parts, setParts] = useState<readonly FieldView[]>([field]);
  const [failure, setFailure] = useState<string | null>(null);
  const text = useMemo(() => indentJson(parts.map((part) => part.text).join("")), [parts]);
  const { to, bytes } = parts[parts.length - 1];
  const readOn = async (): Promise<void> => {
    try {
      const part = await more(to);
      if (part === undefined) throw new Error("No longer in the log");
      setParts([...parts, part]);
      setFailure(null);
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  return (
    <section class="field">
      <h3>
        {field.name} <span class="quiet">{formatBytes(bytes)}</span>
      </h3>
      <pre tabIndex={0} aria-label={field.name}>{text}</pre>
      <Failure message={failure} />
      {to >= bytes ? null : (
        <button type="button" onClick={readOn}>
          {`Show more (${formatBytes(to)} of ${formatBytes(bytes)} shown)`}
        </button>
      )}
    </section>
  );
}
