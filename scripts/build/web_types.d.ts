/**
 * Types of the web platform as known to the compiler of the package's user: those of
 * `lib: ["dom"]`, `@types/node` or others; if there are none, the part that this package
 * uses.
 *
 * The build copies this file next to the declarations, which import the types they need
 * from it. They thus compile in every program, and add nothing to its global names.
 */

/** Signals cancellation. */
export type AbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer Known } }
  ? Known
  : {
    readonly aborted: boolean;
    readonly reason: unknown;
    addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
    removeEventListener(type: "abort", listener: () => void): void;
  };

/** The body of a form with files. */
export type FormData = typeof globalThis extends { FormData: { prototype: infer Known } } ? Known
  : object;

/** A part of the body of a form. */
export type Blob = typeof globalThis extends { Blob: { prototype: infer Known } } ? Known
  : { readonly size: number; readonly type: string; arrayBuffer(): Promise<ArrayBuffer> };

/** A response of `fetch`. */
export type Response = typeof globalThis extends { Response: { prototype: infer Known } } ? Known
  : {
    readonly status: number;
    readonly ok: boolean;
    readonly headers: { get(name: string): string | null };
    readonly body: unknown;
    text(): Promise<string>;
    arrayBuffer(): Promise<ArrayBuffer>;
  };

/** Options of `fetch`. */
export type RequestInit = typeof globalThis extends {
  fetch: (input: never, init?: infer Known) => unknown;
} ? NonNullable<Known>
  : {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
    readonly redirect?: "manual";
  };

/** Headers of a request or a response. */
export type Headers = typeof globalThis extends { Headers: { prototype: infer Known } } ? Known
  : { get(name: string): string | null };

/** A stream of chunks. */
export type ReadableStream<Chunk> = typeof globalThis extends
  { ReadableStream: { prototype: infer Known } } ? Known
  : { readonly locked: boolean; getReader(): { read(): Promise<{ value?: Chunk }> } };
