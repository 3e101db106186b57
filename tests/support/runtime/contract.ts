/**
 * The contract of every runtime adapter.
 *
 * @module
 */

import { test } from "../../harness.ts";
import type { Contract, ContractFixture } from "./contract_fixture.ts";
import { listing, naming, permissions } from "./contract_names.ts";
import { appending, reading, syncing } from "./contract_open.ts";
import { removing, scanning, specialFiles } from "./contract_special.ts";
import { processes } from "./contract_process.ts";

/**
 * Registers the contract's tests for one adapter.
 *
 * @param isPosix Whether FIFOs, owners and permission bits exist.
 */
export function runtimeContract(
  name: string,
  make: () => ContractFixture,
  isPosix: boolean,
): void {
  const contract: Contract = (what, body, needs) =>
    test(`${name}: ${what}`, async () => {
      const fixture = make();
      try {
        await body(fixture);
      } finally {
        fixture.dispose();
      }
    }, { skip: needs !== undefined && !isPosix && `needs ${needs}` });

  for (const register of [appending, reading, specialFiles, syncing]) register(contract);
  for (const register of [naming, listing, scanning, removing, permissions]) register(contract);
  processes(contract);
}
