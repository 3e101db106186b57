/**
 * Formats a progress bar so that it fits on one line.
 *
 * @module
 */

/** Contents of a progress bar. */
export interface ProgressText {
  readonly label: string;
  /** Fraction done, from 0 to 1. */
  readonly share: number;
  /** Required text, most important first. */
  readonly parts: readonly string[];
  /** Additional text, if there is room. */
  readonly more?: string;
}

const WIDEST_BAR = 24, NARROWEST_BAR = 4;
/** Width of the bar below which only the required text is shown. */
const FAIR_BAR = 10;

/** Formats the line, never longer than `columns`, so that it does not wrap. */
export function progressLine(
  { label, share, parts, more = "" }: ProgressText,
  columns: number,
): string {
  const percent = `${Math.floor(share * 100)}%`;
  const must = [percent, ...parts].join(" · ");
  // The last column stays empty, because some terminals wrap when it is filled.
  const room = columns - 1 - label.length - " ".length;
  const barRoom = (text: string): number => room - text.length - " ".length;
  const text = barRoom(must + more) >= FAIR_BAR ? must + more : must;
  const width = Math.min(WIDEST_BAR, barRoom(text));
  if (width < NARROWEST_BAR) return `${label} ${[...must].slice(0, Math.max(0, room)).join("")}`;
  const full = Math.round(share * width);
  return `${label} ${"█".repeat(full)}${"░".repeat(width - full)} ${text}`;
}
