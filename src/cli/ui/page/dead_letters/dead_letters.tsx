/**
 * Dead letters with the server's reasons; they can be sent again and exported.
 *
 * @module
 */

import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type {
  DeadLetterPage,
  DeadLetterSelection,
  DeadLetterView,
  ReportView,
  StatusView,
} from "../../api_types.ts";
import { formatCount, plural } from "../../../terminal/format.ts";
import { get, retry, saveDeadLetters } from "../api.ts";
import { Confirm, type Question } from "./confirm.tsx";
import { DeadLetterItem } from "./dead_letter_item.tsx";
import { Failure } from "../parts.tsx";

/** The view. */
export function DeadLetters(
  { status, report }: { status: StatusView; report: ReportView },
): JSX.Element {
  const [project, setProject] = useState("");
  const [reason, setReason] = useState("");
  const [pages, setPages] = useState<DeadLetterPage | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const request = useRef(new AbortController());
  const affected = report.projects.filter(({ deadLetters }) => deadLetters.total > 0);
  const chosen = affected.find((one) => `${one.entity}/${one.project}` === project);
  const selection: DeadLetterSelection = {
    ...(chosen === undefined ? {} : { entity: chosen.entity, project: chosen.project }),
    ...(reason === "" ? {} : { reason }),
  };
  const counts = new Map<string, number>();
  for (const { deadLetters } of chosen === undefined ? affected : [chosen]) {
    for (const [name, count] of Object.entries(deadLetters.byReason)) {
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }
  const total = reason === ""
    ? [...counts.values()].reduce((sum, count) => sum + count, 0)
    : counts.get(reason) ?? 0;

  const load = useCallback(async (before: DeadLetterPage | null) => {
    request.current.abort();
    const { signal } = request.current = new AbortController();
    try {
      const next = before?.next ?? undefined;
      const page = await get<DeadLetterPage>("dead-letters", { ...selection, next }, signal);
      const deadLetters = [...before?.deadLetters ?? [], ...page.deadLetters];
      setPages({ ...page, deadLetters });
      setFailure(null);
    } catch (error) {
      if (!signal.aborted) setFailure((error as Error).message);
    }
  }, [chosen?.entity, chosen?.project, reason]);
  const isSending = status.retry?.state === "running";
  useEffect(() => {
    load(null);
    return () => request.current.abort();
  }, [load, report.totals.deadLetters, isSending]);

  const askToSend = (what: DeadLetterSelection, count: number): void =>
    setQuestion({
      title: `Send ${plural(count, "dead letter")} again?`,
      text: `They are sent to ${status.server}. Those that it rejects again stay dead letters.`,
      action: "Send again",
      onYes: () => void retry(what).catch((error: Error) => setFailure(error.message)),
    });
  const askToExport = (what: DeadLetterSelection, count: number): void =>
    setQuestion({
      title: `Export ${plural(count, "dead letter")}?`,
      text: "The file contains the traced data of each, and is as confidential as the logs. The " +
        "dead letters stay where they are.",
      action: "Export",
      onYes: () => saveDeadLetters(what),
    });
  return (
    <>
      <p role="status" class={`retry ${status.retry?.state ?? ""}`}>{status.retry?.message}</p>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label="Project"
          value={project}
          all="all projects"
          options={affected.map((one) => [
            `${one.entity}/${one.project}`,
            one.deadLetters.total,
          ])}
          onChange={setProject}
        />
        <Choice
          label="Reason"
          value={reason}
          all="all reasons"
          options={[...counts]}
          onChange={setReason}
        />
        <button
          type="button"
          disabled={total === 0 || isSending}
          onClick={() => askToSend(selection, total)}
        >
          Send all again
        </button>
        <button type="button" disabled={total === 0} onClick={() => askToExport(selection, total)}>
          Export all
        </button>
      </form>
      <Failure message={failure} />
      {pages?.deadLetters.length === 0 ? <p class="quiet">No dead letters.</p> : null}
      <ul class="dead-letters" aria-label="Dead letters">
        {pages?.deadLetters.map((one: DeadLetterView) => (
          <DeadLetterItem
            key={`${one.directory}/${one.id}`}
            deadLetter={one}
            isSending={isSending}
            onSend={() => askToSend(selectionOf(one), 1)}
            onExport={() => askToExport(selectionOf(one), 1)}
          />
        ))}
      </ul>
      {pages !== null && pages.next !== null
        ? <button type="button" onClick={() => load(pages)}>Show more</button>
        : null}
      {question === null ? null : <Confirm question={question} onClose={() => setQuestion(null)} />}
    </>
  );
}

function selectionOf({ id, entity, project }: DeadLetterView): DeadLetterSelection {
  return { ids: [id], entity, project };
}

function Choice(
  { label, value, all, options, onChange }: {
    label: string;
    value: string;
    all: string;
    options: readonly (readonly [string, number])[];
    onChange: (value: string) => void;
  },
): JSX.Element {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{all}</option>
        {options.map(([name, count]) => (
          <option key={name} value={name}>{`${name} (${formatCount(count)})`}</option>
        ))}
      </select>
    </label>
  );
}
