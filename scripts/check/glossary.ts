/**
 * Retired wordings of this project, and the terms of the field to use instead.
 *
 * @module
 */

/** A retired wording. */
export interface Retired {
  /** Matches the wording; global. */
  readonly pattern: RegExp;
  /** The wording to use instead. */
  readonly instead: string;
}

const retired = (pattern: RegExp, instead: string): Retired => ({
  pattern: new RegExp(pattern, "gi"),
  instead,
});

/** All retired wordings. */
export const GLOSSARY: readonly Retired[] = [
  retired(/\b(?:set|sets|setting) (?:\w+ )?aside\b/, "dead-letter"),
  retired(
    /(?<!dead[- \n*]+|\b(?:capital|upper-case|lower-case) )\bletters?\b(?!(?:,| and| or| and `)?(?: no| a)? (?:digits?\b|`))/,
    "dead letter",
  ),
  retired(/\bmend(?:s|ed|ing)?\b/, "fix, repair"),
  retired(/\b(?:take|takes|taken|took|taking) for (?:gone|dead|down)\b/, "presume dead"),
  retired(/\bgone\b/, "dead, deleted, closed, lost"),
  retired(/\bbeat(?:s|en|ing)?\b/, "send a heartbeat"),
  retired(/\bplatter\b/, "stable storage, disk"),
  retired(/\bin hand\b/, "in progress, in flight"),
  retired(/\bhurr(?:y|ies|ied)\b/, "send now, probe now"),
  retired(/\b(?:deliverers?|distrusted|wakeups?)\b/, "delivery client, invalid, signal"),
  retired(/\bfor ever\b/, "indefinitely, permanently"),
  retired(/\bcompany\b/, "more records to batch with"),
  retired(/\btold\b/, "reported, logged, named"),
  retired(/\bsaid\b/, "logged, printed, reported"),
  retired(/\baloud\b/, "at its normal level"),
  retired(/\bleast grave\b/, "minimum level"),
  retired(/\blets? go of\b/, "remove from, release"),
  retired(/\b(?:older|newer) (?:call )?path\b/, "v1 batch API, v2 calls API"),
  retired(/\bnatural (?:exit|end)\b/, "normal exit"),
  retired(/\b(?:left|leaves?) behind\b/, "orphaned"),
  retired(/\b(?:stand|stands|stood|standing)\b/, "is, are, exist"),
  retired(/\bcom(?:e|es|ing) to (?:nothing|less|the same|now)\b/, "fail, be shorter, be equal"),
  retired(/(?<!\bthere )\b(?:is|are) no\b(?!\s+(?:longer|more)\b)/, "is not a"),
  retired(
    /(?<!\b(?:leave|leaves|left|leaving) (?:\w+ ){0,2}|\bPIDs? )\balone\b/,
    "only",
  ),
  retired(/\bdamaged?\b/, "corrupt"),
  retired(/\b(?:goes|go|went|going) out\b/, "be sent"),
  retired(/\bwhoever\b/, "the process that, any process that"),
  retired(/\bwho (?:only )?(?:writes?|sends?|finds|holds|drains)\b/, "the process that"),
  retired(/\bsomebody\b/, "another process, the user"),
  retired(/\/\*\*\s*(?:\*\s*)?(?:What|How|Whom|Where) (?!to\b)/, "start with a noun or a verb"),
  retired(
    /\b(?:behaviour|colour|favour|honour|judgement|licence|neighbour)/,
    "American spelling",
  ),
  retired(
    /\b(?:initial|minim|normal|organ|recogn|sanit|serial|synchron|token)is(?:e|ed|es|ing)\b/,
    "American spelling",
  ),
];

/** Problems of a text, one line each. */
export function wordingProblems(path: string, text: string): string[] {
  const prose = path.endsWith(".md") ? withoutCode(text) : text;
  return GLOSSARY.flatMap(({ pattern, instead }) =>
    [...prose.matchAll(pattern)].map(({ 0: found, index }) => {
      const line = prose.slice(0, index).split("\n").length;
      const wording = found.replace(/[\s*/]+/g, " ").trim();
      return `${path}:${line}: retired wording "${wording}" (instead: ${instead})`;
    })
  );
}

/** Blanks out the code of a Markdown page, so that lines keep their numbers. */
function withoutCode(text: string): string {
  const blank = (code: string) => code.replace(/[^\n]/g, " ");
  return text.replace(/^( *)```[^]*?^\1```$/gm, blank).replace(/`[^`\n]*`/g, blank);
}
