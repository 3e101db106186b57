/**
 * Documentation of the public API: every export has a description and an example, every parameter is
 * described, every number has a unit, and every optional setting its default.
 *
 * @module
 */

import { publicEntries } from "../build/entries.ts";
import { projectRoot, run } from "../test/process.ts";

interface Doc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string; readonly name?: string }[];
}

interface Typed {
  readonly name: string;
  readonly optional?: boolean;
  readonly tsType?: { readonly repr: string };
}

interface Parameter extends Typed {
  readonly kind: string;
  readonly left?: Typed;
}

interface Member extends Typed {
  readonly jsDoc?: Doc;
  readonly accessibility?: string;
}

interface Method extends Member {
  readonly kind?: string;
  readonly params?: readonly Parameter[];
  readonly functionDef?: { readonly params: readonly Parameter[] };
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Doc;
  readonly location: { readonly filename: string; readonly line: number };
  readonly def: {
    readonly params?: readonly Parameter[];
    readonly properties?: readonly Member[];
    readonly methods?: readonly Method[];
  };
}

interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

interface DocOutput {
  readonly nodes: Readonly<Record<string, { readonly symbols?: readonly DocumentedSymbol[] }>>;
}

/** Names of types whose optional properties are settings. */
const settings = /(?:Options|Parameters)$/;
const defaultWords =
  /\bdefaults?\b|\bunless\b|\bwithout (?:it|one|them|either|both)\b|\bif given\b/i;
const unitWords =
  /\b(?:ms|bytes?|seconds?|numbers?|counts?|records?|epoch|rate|share|fraction|dollars?|digits|mean|step|index|flags|status|code|kind|nanoseconds)\b/i;

/** Problems in the documentation of the public API, one line each. */
export async function checkPublicDocs(): Promise<string[]> {
  const problems = new Set<string>();
  for (const { source } of publicEntries()) {
    const { status, output, stdout } = await run("deno", ["doc", "--json", source]);
    if (status !== 0) return [output];
    const { nodes } = JSON.parse(stdout) as DocOutput;
    for (const { symbols = [] } of Object.values(nodes)) {
      for (const symbol of symbols) {
        for (const problem of symbolProblems(symbol)) problems.add(problem);
      }
    }
  }
  return [...problems];
}

function symbolProblems({ name, declarations }: DocumentedSymbol): string[] {
  const own = declarations.filter(({ kind }) => kind !== "reference");
  if (own.length === 0) return [];
  const place = placeOf(own[0]);
  const examples = own.some(({ jsDoc }) => hasTag(jsDoc, "example"));
  return [
    ...(examples ? [] : [`${place}: ${name} has no @example`]),
    ...own.flatMap((declaration) => declarationProblems(name, declaration)),
  ];
}

function declarationProblems(name: string, declaration: Declaration): string[] {
  const { jsDoc, def } = declaration;
  const place = placeOf(declaration);
  const problems: string[] = [];
  if (jsDoc !== undefined || declaration.kind !== "function") {
    problems.push(...parameterProblems(name, jsDoc, def.params ?? []));
  }
  for (const property of def.properties ?? []) {
    problems.push(...propertyProblems(name, property));
  }
  for (const method of def.methods ?? []) {
    if (method.accessibility === "private" || /^[_[]/.test(method.name)) continue;
    // The implementation of overloads has no description of its own.
    if (
      method.jsDoc === undefined &&
      def.methods!.filter(({ name }) => name === method.name).length > 1
    ) continue;
    const params = method.functionDef?.params ?? method.params ?? [];
    problems.push(...parameterProblems(`${name}.${method.name}`, method.jsDoc, params));
  }
  return problems.map((problem) => `${place}: ${problem}`);
}

/** A parameter is described by a tag or in the description. */
function parameterProblems(
  name: string,
  jsDoc: Doc | undefined,
  params: readonly Parameter[],
): string[] {
  const named = params.map((param) => param.kind === "assign" ? param.left! : param);
  return named.filter(({ name }) => name !== undefined && !name.startsWith("_"))
    .filter(({ name }) =>
      !jsDoc?.tags?.some((tag) => tag.kind === "param" && tag.name === name) &&
      !jsDoc?.doc?.includes(`\`${name}\``)
    )
    .map((param) => `${name} does not describe its parameter ${param.name}`);
}

function propertyProblems(owner: string, property: Member): string[] {
  const { name, jsDoc, optional, tsType, accessibility } = property;
  if (accessibility === "private") return [];
  const text = jsDoc?.doc ?? "";
  const isNumber = /^number\b/.test(tsType?.repr ?? "");
  return [
    ...(isNumber && !unitWords.test(`${text} ${name}`) ? [`${owner}.${name} has no unit`] : []),
    ...(settings.test(owner) && optional && !defaultWords.test(text)
      ? [`${owner}.${name} has no default`]
      : []),
  ];
}

function hasTag(jsDoc: Doc | undefined, kind: string): boolean {
  return jsDoc?.tags?.some((tag) => tag.kind === kind) ?? false;
}

function placeOf({ location: { filename, line } }: Declaration): string {
  return `${filename.slice(filename.indexOf(projectRoot) + projectRoot.length)}:${line}`;
}
