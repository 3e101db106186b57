/**
 * Images and sounds in inputs and outputs: saved as files and shown as such.
 *
 * @module
 */

/** What can hold the bytes of an image or a sound. */
export type MediaData = Uint8Array | ArrayBuffer;

/** An image, made by {@linkcode weaveImage}. */
export interface WeaveImage {
  /** Tells images from other objects. */
  readonly _weaveType: "Image";
  /** The bytes of the file. */
  data: MediaData;
  /** The kind of file. */
  imageType?: "png";
}

/** A sound, made by {@linkcode weaveAudio}. */
export interface WeaveAudio {
  /** Tells sounds from other objects. */
  readonly _weaveType: "Audio";
  /** The bytes of the file. */
  data: MediaData;
  /** The kind of file. */
  audioType?: "wav";
}

/**
 * Marks bytes as an image: in a call's inputs and outputs it is saved as a file.
 *
 * @example
 * ```ts
 * import { weaveImage } from "@weave-wal/client";
 *
 * const image = weaveImage({ data: new Uint8Array([0x89, 0x50, 0x4e, 0x47]) });
 * if (image.imageType !== "png") throw new Error("Images are PNG files");
 * ```
 */
export function weaveImage(
  { data, imageType = "png" }: { data: MediaData; imageType?: "png" },
): WeaveImage {
  return { _weaveType: "Image", data, imageType };
}

/** Marks bytes as a sound (WAV): in a call's inputs and outputs it is saved as a file. */
export function weaveAudio(
  { data, audioType = "wav" }: { data: MediaData; audioType?: "wav" },
): WeaveAudio {
  return { _weaveType: "Audio", data, audioType };
}

/** How an image or a sound is saved. */
export interface MediaFile {
  /** The server's name for the type. */
  readonly typeName: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** How `value` is saved, if it is an image or a sound. */
export function mediaFile(value: object): MediaFile | undefined {
  const { _weaveType: type, data } = value as { _weaveType?: unknown; data?: unknown };
  if (type !== "Image" && type !== "Audio") return undefined;
  const bytes = bytesOf(data);
  if (bytes === undefined) return undefined;
  return type === "Image"
    ? { typeName: "PIL.Image.Image", fileName: "image.png", bytes }
    : { typeName: "wave.Wave_read", fileName: "audio.wav", bytes };
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return typeof data === "string" ? new TextEncoder().encode(data) : undefined;
}
