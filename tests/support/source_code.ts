/**
 * Parses TypeScript just well enough to distinguish code from comments and strings.
 *
 * @module
 */

/** An import or re-export. */
export interface Import {
  specifier: string;
  /** Whether it imports only types. */
  typeOnly: boolean;
}

/** Matches a token. */
const token =
  /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[`{}]|\$\{|(?<=(?:^|[(,=:[!&|?{};+*%<>~^-]|\breturn|\btypeof)\s*)\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/gy;

const imports =
  /\b(import|export)\s+(type\s)?(?:[\w$*{}\s,]*?\bfrom\s*)?"([^"]+)"|(typeof\s+)?\bimport\(\s*"([^"]+)"/g;

/** The code without comments, strings and regular expressions. */
export function codeOf(text: string): string {
  return strip(text, true);
}

/** All imports and re-exports, in order. */
export function importsOf(text: string): Import[] {
  return [...strip(text, false).matchAll(imports)].map(
    ([, , typed, from, shape, later]) => ({
      specifier: from ?? later,
      typeOnly: Boolean(typed ?? shape),
    }),
  );
}

/** Blanks out comments and, with `strings`, also strings, regular expressions and template text. */
function strip(text: string, strings: boolean): string {
  let code = "";
  let at = 0;
  /** For each open template, the number of open braces in its expression. */
  const templates: number[] = [];
  while (at < text.length) {
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (found === undefined) {
      code += text[at++];
      continue;
    }
    at += found.length;
    if (found === "`" || (found === "}" && templates.at(-1) === 0)) {
      if (found === "}") templates.pop();
      const part = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;
      part.lastIndex = at;
      const rest = part.exec(text)?.[0] ?? "";
      at += rest.length;
      if (rest.endsWith("${")) templates.push(0);
      code += strings ? found : found + rest;
    } else if (found === "{" || found === "}") {
      if (templates.length > 0) templates[templates.length - 1] += found === "{" ? 1 : -1;
      code += found;
    } else if (found.startsWith("//") || found.startsWith("/*")) {
      code += " ";
    } else {
      code += strings ? '""' : found;
    }
  }
  return code;
}
