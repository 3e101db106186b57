import { checkNext, noNext } from "../support/frameworks/next_app.ts";
import { test } from "../harness.ts";

test("next: with the package left outside of the bundles, traces are whole", async () => {
  await checkNext('export default { serverExternalPackages: ["@weave-wal/client"] };');
}, { timeout: 280_000, skip: noNext });
