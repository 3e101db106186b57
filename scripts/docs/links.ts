/**
 * The links of Markdown pages: each must point to a file of the project and a heading in
 * it.
 *
 * @module
 */

import { posix } from "node:path";

/** The project's home. Links to files that the packages do not contain start with it. */
export const REPOSITORY = "https://github.com/weave-wal/client";

/** The files that links are checked against. */
export interface LinkTargets {
  /** Text of a file by its path from the project root; `undefined` if it does not exist. */
  readonly read: (path: string) => string | undefined;
  /** Whether the published packages contain this file or folder. */
  readonly isPublished: (path: string) => boolean;
}

/** Problems of the links of `page`, one line each. */
export function linkProblems(page: string, text: string, targets: LinkTargets): string[] {
  return linksOf(text).flatMap((link) => {
    const problem = problemOf(page, link, targets);
    return problem === null ? [] : [`${page}: ${link} (${problem})`];
  });
}

function problemOf(page: string, link: string, targets: LinkTargets): string | null {
  const ownFile = `${REPOSITORY}/blob/main/`;
  const isAbsolute = link.startsWith(ownFile);
  if (/^[a-z]+:/.test(link) && !isAbsolute) return null;
  const [target, anchor] = (isAbsolute ? link.slice(ownFile.length) : link).split("#");
  const path = isAbsolute
    ? target
    : target === ""
    ? page
    : posix.normalize(posix.join(posix.dirname(page), target)).replace(/\/$/, "");
  const text = targets.read(path);
  if (text === undefined) return `there is no ${path}`;
  if (!isAbsolute && targets.isPublished(page) && !targets.isPublished(path)) {
    return `packages do not hold ${path}: link to ${ownFile}${path}`;
  }
  if (anchor !== undefined && path.endsWith(".md") && !headingIds(text).includes(anchor)) {
    return `${path} has no heading #${anchor}`;
  }
  return null;
}

/** Targets of the links and images of a page, outside code. */
export function linksOf(text: string): string[] {
  const prose = text.replace(/^( *)```[^]*?^\1```$/gm, "").replace(/`[^`\n]*`/g, "``");
  return [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map(([, link]) => link);
}

/** The IDs that GitHub assigns to the headings of a page. */
export function headingIds(text: string): string[] {
  const counts = new Map<string, number>();
  const prose = text.replace(/^( *)```[^]*?^\1```$/gm, "");
  return [...prose.matchAll(/^#+ +(.+?) *$/gm)].map(([, heading]) => {
    const id = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    const count = counts.get(id) ?? 0;
    counts.set(id, count + 1);
    return count === 0 ? id : `${id}-${count}`;
  });
}
