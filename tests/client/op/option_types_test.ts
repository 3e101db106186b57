import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { test } from "../../harness.ts";

/** `true` only if both are the same type. */
type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;
function same<A, B>(_holds: Same<A, B>): void {}

async function* words(): AsyncGenerator<string, void> {
  yield "a";
}
const stream = {
  async *[Symbol.asyncIterator]() {
    yield { delta: "a" };
  },
};

test("types: summarize gets the reducer's state where there is a reducer", () => {
  const traced = op(words, {
    streamReducer: {
      initialStateFn: () => ({ text: "", tokens: 0 }),
      reduceFn: (state, chunk) => {
        same<typeof chunk, string>(true);
        return { text: state.text + chunk, tokens: state.tokens + 1 };
      },
      finalizeFn: (state) => same<typeof state, { text: string; tokens: number }>(true),
    },
    summarize: (state) => {
      same<typeof state, { text: string; tokens: number }>(true);
      return { usage: { model: { completion_tokens: state.tokens } } };
    },
  });
  same<ReturnType<typeof traced>, AsyncGenerator<string, void>>(true);
  assert.equal(traced.__isOp, true);
});

test("types: summarize gets the chunks of a stream without a reducer, else the result", () => {
  op(words, { summarize: (chunks) => (same<typeof chunks, string[]>(true), {}) });
  op(() => Promise.resolve(stream), {
    summarize: (chunks) => (same<typeof chunks, { delta: string }[]>(true), {}),
  });
  op(function* (): Generator<number, string> {
    yield 1;
    return "done";
  }, { summarize: (output) => (same<typeof output, number[] | string>(true), {}) });
  op((n: number) => Promise.resolve([n]), {
    summarize: (list) => (same<typeof list, number[]>(true), {}),
  });
  op((text: string) => ({ text }), {
    summarize: ({ text }) => (same<typeof text, string>(true), {}),
  });
  op((map: Map<string, number>) => map, {
    summarize: (map) => (same<typeof map, Map<string, number>>(true), {}),
  });
});
