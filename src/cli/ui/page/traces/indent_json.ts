/**
 * Indents JSON text without parsing it, so that numbers of any size are preserved and truncated
 * text can be shown.
 *
 * @module
 */

/** Maximum number of levels to indent. */
const MAX_LEVELS = 30;

/**
 * JSON tokens: strings (the last one may be truncated), brackets, separators, white space, others.
 */
const TOKEN = /"(?:[^"\\]|\\[^])*(?:"|$)|[{}[\]]|[,:]|\s+|[^\s"{}[\],:]+/g;

/** Puts each member and element on its own line. */
export function indentJson(text: string): string {
  let level = 0;
  let result = "";
  let opened = "";
  const newLine = (): string => `\n${"  ".repeat(Math.min(Math.max(level, 0), MAX_LEVELS))}`;
  for (const [token] of text.matchAll(TOKEN)) {
    if (/^\s/.test(token)) continue;
    const closes = token === "}" || token === "]";
    if (closes) {
      level--;
      result += opened === "" ? newLine() + token : opened + token;
      opened = "";
      continue;
    }
    // An empty object or array stays on one line.
    if (opened !== "") result += opened + newLine();
    opened = "";
    if (token === "{" || token === "[") {
      level++;
      opened = token;
    } else if (token === ",") result += token + newLine();
    else result += token === ":" ? ": " : token;
  }
  return result + opened;
}
