/** Next.js calls `register` once when a server starts, before it handles a request. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { init } = await import("@weave-wal/client");
  await init("team/examples", { wal: true });
}
