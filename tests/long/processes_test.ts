import { test } from "../harness.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import { deliverTheirOwn, takeOverFromKilled } from "../support/processes/crowd_scenarios.ts";
import { withCrowd } from "../support/processes/processes_fixture.ts";

const skip = ownRuntime === "node" && "npm test starts them from this runtime";

test(
  "processes: sixteen started from this runtime each deliver their own, once",
  () => withCrowd(deliverTheirOwn),
  { timeout: 90_000, skip },
);

test(
  "processes: of sixteen started from this runtime the others send what six killed ones left",
  () => withCrowd(takeOverFromKilled),
  { timeout: 120_000, skip },
);
