/**
 * The text of a bar, made to fit into one line.
 *
 * @module
 */

/** What a bar says. */
export interface ProgressText {
  readonly label: string;
  /** From 0 to 1. */
  readonly share: number;
  /** What has to be said, the most important first. */
  readonly parts: readonly string[];
  /** What is said behind it where there is room. */
  readonly more?: string;
}

const WIDEST_BAR = 24, NARROWEST_BAR = 4;
/** A bar that is narrower gives way to nothing more than what has to be said. */
const FAIR_BAR = 10;

/** The line; never longer than `columns` allow, so that it never breaks into two. */
export function progressLine(
  { label, share, parts, more = "" }: ProgressText,
  columns: number,
): string {
  const percent = `${Math.floor(share * 100)}%`;
  const must = [percent, ...parts].join(" · ");
  // The last column stays empty: some terminals go on to the next line when it is filled.
  const room = columns - 1 - label.length - " ".length;
  const barRoom = (said: string): number => room - said.length - " ".length;
  const said = barRoom(must + more) >= FAIR_BAR ? must + more : must;
  const width = Math.min(WIDEST_BAR, barRoom(said));
  if (width < NARROWEST_BAR) return `${label} ${[...must].slice(0, Math.max(0, room)).join("")}`;
  const full = Math.round(share * width);
  return `${label} ${"█".repeat(full)}${"░".repeat(width - full)} ${said}`;
}
