/**
 * Indents JSON text without parsing it: numbers of any size stay as they are, and a text that is cut
 * off can be shown.
 *
 * @module
 */

/** Levels that are indented. */
const MAX_LEVELS = 30;

/** Tokens of JSON: strings (the last one may be cut off), brackets, separators, space, anything else. */
const TOKEN = /"(?:[^"\\]|\\[^])*(?:"|$)|[{}[\]]|[,:]|\s+|[^\s"{}[\],:]+/g;

/** The text with each member and element on a line of its own. */
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
    // An empty object or array stays on its line.
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
