import { checkNext, noNext } from "../support/frameworks/next_app.ts";
import { test } from "../harness.ts";

test("next: with the package bundled into every route, traces are whole", async () => {
  await checkNext("export default {};");
}, { timeout: 280_000, skip: noNext });
