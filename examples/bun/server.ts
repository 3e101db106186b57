/**
 * An HTTP service. SIGTERM stops it, and delivers what is pending for at most five seconds; what is
 * left stays in the log and is delivered by the next start.
 *
 *     bun server.ts
 */

import { init, op } from "@weave-wal/client";

const client = await init("team/examples", { wal: true });

const search = op(function search(words: string[]) {
  return words.map((word) => `${word}: found`);
});

const answer = op(function answer(question: string) {
  return search(question.split(" "));
});

const server = Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  fetch(request) {
    const question = new URL(request.url).searchParams.get("q") ?? "";
    return Response.json(answer(question));
  },
});
console.log(`Listening on ${server.url}`);

process.once("SIGTERM", async () => {
  await server.stop();
  const { done, pendingRecords } = await client.finish({ timeout: 5000 });
  console.log(done ? "Nothing is pending" : `${pendingRecords} records wait in the log`);
  process.exit(0);
});
