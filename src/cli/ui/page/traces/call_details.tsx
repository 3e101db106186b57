/**
 * Inputs, output and error of one call, loaded when they are shown.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CallDetail, CallView, FieldView } from "../../api_types.ts";
import { formatBytes, formatDuration } from "../../../terminal/format.ts";
import { get } from "../api.ts";
import { Field } from "./field.tsx";
import { Failure } from "../parts.tsx";
import { timeText } from "../times.ts";

/** The details beside a tree. */
export function CallDetails(
  { call, directory, onClose }: {
    call: CallView;
    directory: string;
    onClose: () => void;
  },
): JSX.Element {
  const { id, name, error, started, ended, hasEnd, bytes, startAt, endAt, span } = call;
  const [fields, setFields] = useState<readonly FieldView[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    const end = new AbortController();
    const places = [...new Set([startAt, endAt])].filter((at) => at !== null);
    const read = (at: string): Promise<CallDetail> =>
      get("call", { directory, id, at }, end.signal);
    Promise.all(places.map(read))
      .then((details) => setFields(details.flatMap((detail) => detail.fields)))
      .catch((reason: Error) => end.signal.aborted || setFailure(reason.message));
    section.current?.scrollIntoView?.({ block: "nearest" });
    return () => end.abort();
  }, [id, startAt, endAt]);
  const facts: [string, string][] = [
    ["Started", timeText(started)],
    ["Ended", hasEnd ? timeText(ended) : "not yet"],
    ["Duration", started === null || ended === null ? "" : formatDuration(ended - started)],
    ["Size", formatBytes(bytes)],
    [span ? "Span ID" : "Call ID", id],
  ];
  return (
    <section
      class="details"
      aria-label={`Call ${name}`}
      ref={section}
      onKeyDown={({ key }) => key === "Escape" && onClose()}
    >
      <h2>
        {name}
        <button type="button" aria-label="Close details" onClick={onClose}>×</button>
      </h2>
      {error === null ? null : <p class="failure">{error}</p>}
      <dl>
        {facts.filter(([, value]) => value !== "").map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Failure message={failure} />
      {fields === null && failure === null ? <p class="quiet">Loading…</p> : null}
      {fields?.map((field) => (
        <Field
          key={`${field.name} ${field.at}`}
          field={field}
          more={async (from) => {
            const query = { directory, id, at: field.at, field: field.name, from };
            return (await get<CallDetail>("call", query)).fields[0];
          }}
        />
      ))}
    </section>
  );
}
