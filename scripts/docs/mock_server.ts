/**
 * The page on the differences between the mock server and the real one.
 *
 * @module
 */

import type { ListedDifference } from "../conformance/double/differences.ts";

/** The page, generated from the list that the conformance suite checks. */
export function mockServerPage(differences: readonly ListedDifference[]): string {
  const table = tableOf([
    ["Mock server", "Real server", "Why"],
    ...differences.map(({ mock, real, reason }) => [mock, real, reason]),
  ]);
  return `# The mock server and the real one

The mock trace server (\`weave-wal mock\`, \`tools/mock_server\`) answers as the vendor's own server
code does, version 0.53.12. \`npm run conformance -- --only double\` sends the same requests to both,
good and bad ones, and compares the status and the shape of every answer. These are the differences;
the suite fails at any other, and at one of these that no longer shows.

This page is generated from \`scripts/conformance/double/mock_differences.json\` by \`npm run docs\`.

${table}

Two behaviors of the real server are off unless you ask for them: it refuses call ids that are
neither UUIDs nor ids of OpenTelemetry (option \`anyIds: false\`, which \`weave-wal mock\` sets), and it
does not have every project (option \`missingProjects\`).

A call that reaches the v2 calls API twice, or feedback with the same id, is shown twice until
ClickHouse merges its tables. The mock server merges on request: \`POST /__mock/merge\`, or
\`store.merge()\` in a test. \`store.calls()\` and the counts of a store are those after a merge.
`;
}

/** A Markdown table with aligned columns, as the formatter requires. */
function tableOf([head, ...rows]: readonly string[][]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column].length))
  );
  const line = (cells: readonly string[], fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column], fill)).join(" | ")} |`;
  return [line(head), line(head.map(() => ""), "-"), ...rows.map((row) => line(row))].join("\n");
}
