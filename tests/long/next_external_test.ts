import { checkNext, noNext } from "../support/frameworks/next_app.ts";
import { test } from "../harness.ts";

test("next: traces are complete with the package left outside the bundles", async () => {
  await checkNext('export default { serverExternalPackages: ["@weave-wal/client"] };');
}, { timeout: 280_000, skip: noNext });
