/**
 * Projects, writers and senders with their states, and what to do.
 *
 * @module
 */

import type { JSX } from "preact";
import type { AdviceView, ProjectView, ReportView, Sample, SenderView } from "../../api_types.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
} from "../../../terminal/format.ts";
import { Badge, Left, NoProjects, Table } from "../parts.tsx";
import { Plots } from "./plots.tsx";
import { agoText } from "../times.ts";

/** The first view. */
export function Overview(
  { report, samples }: { report: ReportView; samples: readonly Sample[] },
): JSX.Element {
  const { totals, left } = report;
  const isStream = report.unit === "partition";
  const facts: [string, string][] = [
    ["pending records", formatEstimate(totals.pendingRecords, totals.pendingEstimated)],
    ["pending bytes", formatBytes(totals.pendingBytes)],
    ["oldest record", agoText(totals.oldest, report.at)],
    ["dead letters", formatCount(totals.deadLetters)],
    ...isStream ? [] : [
      ["dropped records", formatCount(totals.droppedRecords)],
      ["only in memory", formatCount(totals.memoryRecords)],
    ] as [string, string][],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Plots samples={samples} hasRates={!isStream} />
      <Advice advice={report.advice} left={left.advice} />
      <h2>Projects</h2>
      <Projects report={report} />
      <Left count={left.projects} what="projects" />
      <h2>Senders</h2>
      <Senders report={report} />
      <Left count={left.senders} what="senders" />
      {isStream ? null : (
        <>
          <h2>Writers</h2>
          <Writers report={report} />
          <Left count={left.writers} what="writers" />
        </>
      )}
    </>
  );
}

function Advice(
  { advice, left }: { advice: readonly AdviceView[]; left: number },
): JSX.Element | null {
  if (advice.length === 0) return null;
  return (
    <section aria-label="Problems">
      <ul class="advice">
        {advice.map(({ level, project, message, command }) => (
          <li key={`${project} ${message}`} class={level}>
            {project === null ? null : <b>{project}</b>} {message}
            {command === null ? null : <code>{command}</code>}
          </li>
        ))}
      </ul>
      <Left count={left} what="messages" />
    </section>
  );
}

/** The address of the traces of a project, within the page. */
export function tracesAddress({ directory }: ProjectView): string {
  return `#traces/${encodeURIComponent(directory)}`;
}

/** A stream shows neither rates nor what its writers hold. */
function Projects({ report: { projects, unit, at } }: { report: ReportView }): JSX.Element {
  if (projects.length === 0) return <NoProjects unit={unit} />;
  const isStream = unit === "partition";
  const titles = [
    ...["Project", "Sender", "Pending", "Records", "Oldest"],
    ...isStream ? [] : ["Delivered", "Written"],
    "Dead letters",
    ...isStream ? [] : ["Dropped", "In memory"],
    "Quota",
  ];
  return (
    <Table label="Projects" titles={titles}>
      {projects.map((one) => (
        <tr key={one.directory}>
          <th scope="row">
            <a href={tracesAddress(one)}>{one.label}</a>
          </th>
          <td>
            <Badge state={one.sender.state} title={one.sender.reason} /> {one.sender.by}
          </td>
          <td class="number">{formatBytes(one.pendingBytes)}</td>
          <td class="number">{formatEstimate(one.pendingRecords, one.pendingEstimated)}</td>
          <td class="number">{agoText(one.oldest, at)}</td>
          {isStream ? null : (
            <>
              <td class="number">{rateText(one.sent)}</td>
              <td class="number">{rateText(one.written)}</td>
            </>
          )}
          <td class="number">{formatCount(one.deadLetters.total)}</td>
          {isStream ? null : (
            <>
              <td class="number">{formatCount(one.droppedRecords)}</td>
              <td class="number">{formatCount(one.memoryRecords)}</td>
            </>
          )}
          <td class="number">{quotaText(one.quota, at)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Senders({ report: { senders, at } }: { report: ReportView }): JSX.Element {
  if (senders.length === 0) return <p class="quiet">No running process sends these logs.</p>;
  const titles = ["Process", "State", "Server", "Delivered", "Dead-lettered", "Last delivery"];
  return (
    <Table label="Senders" titles={[...titles, "Last error"]}>
      {senders.map((one) => (
        <tr key={`${one.name} ${one.server}`}>
          <th scope="row">
            {one.name} <Badge state={one.liveness} />
          </th>
          <td>
            <Badge state={one.state} /> {one.state === "up" ? "" : downText(one, at)}
          </td>
          <td>{one.server}</td>
          <td class="number">{formatCount(one.delivered)}</td>
          <td class="number">{formatCount(one.deadLettered)}</td>
          <td class="number">
            {one.lastDelivery === null ? "never" : `${agoText(one.lastDelivery, at)} ago`}
          </td>
          <td>
            {one.lastError === null
              ? "–"
              : `${one.lastError.message} (${agoText(one.lastError.at, at)} ago)`}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function rateText(rate: number | null): string {
  return rate === null ? "–" : `${formatBytes(rate)}/s`;
}

function quotaText(quota: ProjectView["quota"], now: number): string {
  if (quota === null) return "–";
  const used = `${Math.floor(quota.share * 100)}%`;
  return quota.fullAt === null ? used : `${used}, full in ${formatDuration(quota.fullAt - now)}`;
}

function downText({ reason, since, nextAttempt }: SenderView, now: number): string {
  const next = nextAttempt === null ? "" : `, next attempt in ${formatDuration(nextAttempt - now)}`;
  return `for ${agoText(since, now)}: ${reason}${next}`;
}

function Writers({ report: { writers, at } }: { report: ReportView }): JSX.Element {
  if (writers.length === 0) return <p class="quiet">No process has a log here.</p>;
  const titles = ["Process", "Project", "Files", "Pending", "Sends", "Heartbeat", "Server"];
  return (
    <Table label="Writers" titles={titles}>
      {writers.map((one) => (
        <tr key={`${one.project} ${one.name} ${one.server}`}>
          <th scope="row">
            {one.name} <Badge state={one.liveness} />{" "}
            {one.inMemory ? <span class="badge bad">memory only</span> : null} {one.diskError}
          </th>
          <td>{one.project}</td>
          <td class="number">{formatCount(one.files)}</td>
          <td class="number">{formatBytes(one.pendingBytes)}</td>
          <td>{one.sends === null ? "unknown" : one.sends ? "yes" : "no"}</td>
          <td class="number">
            {one.lastHeartbeat === null ? "–" : `${agoText(one.lastHeartbeat, at)} ago`}
          </td>
          <td>{one.server ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}
