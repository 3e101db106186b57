import { op } from "@weave-wal/client";

const search = op(function search(words: string[]) {
  return words.map((word) => `${word}: found`);
}, { name: "search" });

// Bundlers rename functions, so each op names itself.
const answer = op(function answer(question: string) {
  return search(question.split(" "));
}, { name: "answer" });

export function GET(request: Request): Response {
  return Response.json(answer(new URL(request.url).searchParams.get("q") ?? ""));
}
