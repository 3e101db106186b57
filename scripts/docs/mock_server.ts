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
valid and invalid ones, and compares the status and the shape of every response. It fails if there
is a difference that is not listed here, or if a listed one no longer exists.

This page is generated from \`scripts/conformance/double/mock_differences.json\` by \`npm run docs\`.

${table}

Two behaviors of the real server are options: it rejects call IDs that are neither UUIDs nor
OpenTelemetry IDs (\`anyIds: false\`, which \`weave-wal mock\` sets), and it does not have every project
(\`missingProjects\`).

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
