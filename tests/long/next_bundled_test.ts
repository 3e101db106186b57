import { checkNext, noNext } from "../support/frameworks/next_app.ts";
import { test } from "../harness.ts";

test("next: traces are complete with the package bundled into every route", async () => {
  await checkNext("export default {};");
}, { timeout: 280_000, skip: noNext });
