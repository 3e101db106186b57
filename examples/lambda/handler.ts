/**
 * A handler in the style of AWS Lambda. The host freezes the process when the handler returns, so it
 * flushes before, within its deadline. The log is in `/tmp`: records that miss the deadline are sent
 * with the next request to this instance.
 */

import { init, op } from "@weave-wal/client";

const client = await init("team/examples", { wal: true, walDir: "/tmp/weave-wal" });

// Bundlers rename functions, so the op names itself.
const answer = op(function answer(question: string) {
  return `You asked: ${question}`;
}, { name: "answer" });

/** The part of the Lambda context that the handler uses. */
export interface Context {
  getRemainingTimeInMillis(): number;
}

export async function handler(event: { question: string }, context: Context): Promise<string> {
  try {
    return answer(event.question);
  } finally {
    // Leave half a second for the host to return the response.
    await client.flush({ timeout: Math.max(0, context.getRemainingTimeInMillis() - 500) });
  }
}
