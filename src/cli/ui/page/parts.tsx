/**
 * Small parts that several views use.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import type { ReportView } from "../api_types.ts";

/** Severity of a state. */
export type Tone = "good" | "busy" | "bad" | "calm";

const TONES: ReadonlyMap<string, Tone> = new Map(Object.entries({
  sending: "good",
  up: "good",
  alive: "good",
  idle: "calm",
  closed: "calm",
  remote: "calm",
  down: "busy",
  unresponsive: "busy",
  nobody: "bad",
  blocked: "bad",
  dead: "calm",
}));

/** A state as a word on a colored ground. */
export function Badge({ state, title }: { state: string; title?: string }): JSX.Element {
  return <span class={`badge ${TONES.get(state) ?? "calm"}`} title={title}>{state}</span>;
}

/** A table that scrolls horizontally if it is too wide. */
export function Table(
  { label, titles, children }: {
    label: string;
    titles: readonly string[];
    children: ComponentChildren;
  },
): JSX.Element {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>{titles.map((title) => <th key={title} scope="col">{title}</th>)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** A line below a list that is not shown as a whole. */
export function Left({ count, what }: { count: number; what: string }): JSX.Element | null {
  return count === 0 ? null : <p class="quiet">{`${count} more ${what} are not shown`}</p>;
}

/** A line in place of projects. */
export function NoProjects({ unit }: Pick<ReportView, "unit">): JSX.Element {
  return (
    <p class="quiet">
      {unit === "file" ? "No project has a log." : "Nothing is pending in the stream."}
    </p>
  );
}

/** A message of something that failed. */
export function Failure({ message }: { message: string | null }): JSX.Element | null {
  return message === null ? null : <p class="failure" role="alert">{message}</p>;
}
