import { MockLanguageModelV4 } from "ai/test";

const usage = {
  inputTokens: { total: 3, noCache: 3 },
  outputTokens: { total: 1, text: 1 },
};
const finish = { finishReason: { unified: "stop", raw: "stop" }, usage };

/** A model that answers "Paris". */
export function mockModel() {
  return new MockLanguageModelV4({
    doGenerate: () =>
      Promise.resolve({ content: [{ type: "text", text: "Paris" }], warnings: [], ...finish }),
    doStream: () =>
      Promise.resolve({
        stream: ReadableStream.from([
          { type: "stream-start", warnings: [] },
          { type: "text-start", id: "1" },
          { type: "text-delta", id: "1", delta: "Paris" },
          { type: "text-end", id: "1" },
          { type: "finish", ...finish },
        ]),
      }),
  });
}
