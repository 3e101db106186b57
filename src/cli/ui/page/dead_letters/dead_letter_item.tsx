/**
 * One dead letter: why it is one, and its request on demand.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { DeadLetterDetail, DeadLetterView, FieldView } from "../../api_types.ts";
import { formatBytes } from "../../../terminal/format.ts";
import { get } from "../api.ts";
import { Field } from "../traces/field.tsx";
import { Failure } from "../parts.tsx";
import { timeText } from "../times.ts";

/** An item of the list. */
export function DeadLetterItem(
  { deadLetter, isSending, onSend, onExport }: {
    deadLetter: DeadLetterView;
    isSending: boolean;
    onSend: () => void;
    onExport: () => void;
  },
): JSX.Element {
  const {
    id,
    directory,
    entity,
    project,
    type,
    reason,
    status,
    message,
    at,
    server,
    retries,
    bytes,
    about,
  } = deadLetter;
  const [field, setField] = useState<FieldView | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const read = async (from: number): Promise<FieldView> =>
    (await get<DeadLetterDetail>("dead-letter", { directory, id, from })).field;
  const show = async (): Promise<void> => {
    if (field !== null) return setField(null);
    try {
      setField(await read(0));
      setFailure(null);
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  const facts = [
    `${entity}/${project}`,
    formatBytes(bytes),
    at === null ? "" : timeText(Date.parse(at)),
    server ?? "",
    retries === 0 ? "" : `${retries} × sent again`,
  ];
  return (
    <li>
      <p>
        <span class="badge bad">{reason}{status === null ? "" : ` ${status}`}</span> <b>{type}</b>
        {" "}
        {about}
      </p>
      {message === "" ? null : <p class="message">{message}</p>}
      <p class="quiet">{facts.filter((fact) => fact !== "").join(" · ")}</p>
      <p class="actions">
        <button type="button" aria-expanded={field !== null} onClick={show}>Show</button>
        <button type="button" disabled={isSending} onClick={onSend}>Send again</button>
        <button type="button" onClick={onExport}>Export</button>
      </p>
      <Failure message={failure} />
      {field === null ? null : <Field field={field} more={read} />}
    </li>
  );
}
