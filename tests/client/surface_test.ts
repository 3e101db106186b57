/**
 * The public API of the official SDK, according to its declarations.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as weave from "../../mod.ts";
import { clientFixture } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";

const declarations = new URL("../../node_modules/weave/dist/", import.meta.url);
const read = (name: string) => readFileSync(new URL(`${name}.d.ts`, declarations), "utf8");

/** Names of the values that the package exports. */
function exportedValues(): string[] {
  const names = [...read("index").matchAll(/export \{ ([^}]*?),? \} from '\.\/(.*)'/g)]
    .flatMap(([, list, from]) => list!.split(/,\s*/).map((name) => [name.trim(), from!]))
    .filter(([name, from]) => !/generated/.test(from!) && !/^Weave(?:Audio|Image)$/.test(name!));
  return names.map(([name]) => name!);
}

/** Public members of a class in a declaration file. */
function publicMembers(file: string, name: string): string[] {
  const [, body] = new RegExp(`export declare class ${name}\\b[^]*?\\{\\n([^]*?)\\n\\}`).exec(
    read(file),
  )!;
  return [...body!.matchAll(/^ {4}(?:readonly )?(?:static )?(?:get |set )?([A-Za-z]\w*)[?(:<]/gm)]
    .map(([, member]) => member!)
    .filter((member) => member !== "constructor");
}

/** Internals of the official SDK, listed in docs/differences.md. */
const INTERNALS = ["initialize", "updateScoreAggregates"];

test("surface: every value that the official SDK exports exists here", () => {
  const names = exportedValues();
  assert.ok(names.length >= 15, names.join());
  assert.deepEqual(names.filter((name) => !(name in weave)), []);
});

test("surface: public members of the official SDK's classes exist here", async () => {
  using fixture = await clientFixture();
  const objects: Record<string, [file: string, object: object]> = {
    WeaveClient: ["weaveClient", fixture.client],
    Dataset: ["dataset", new weave.Dataset({ rows: [] })],
    ObjectRef: ["weaveObject", new weave.ObjectRef("team/demo", "o", "d")],
    WeaveObject: ["weaveObject", new weave.WeaveObject({})],
    Evaluation: ["evaluation", weave.Evaluation.prototype],
    EvaluationLogger: ["evaluationLogger", weave.EvaluationLogger.prototype],
    ScoreLogger: ["evaluationLogger", weave.ScoreLogger.prototype],
    MessagesPrompt: ["prompt", new weave.MessagesPrompt({ messages: [] })],
    StringPrompt: ["prompt", new weave.StringPrompt({ content: "" })],
  };
  for (const [name, [file, object]] of Object.entries(objects)) {
    const members = publicMembers(file, name);
    const missing = members.filter((member) =>
      !(member in object) && !(member in object.constructor) && !INTERNALS.includes(member)
    );
    assert.deepEqual(missing, [], name);
  }
  assert.ok(publicMembers("weaveClient", "WeaveClient").length >= 17);
});
