/**
 * Images and audio in inputs and outputs, which are saved as files and shown as such.
 *
 * @module
 */

import { isProxy, readData } from "../../protocol/json/object_facts.ts";
import { MAX_VALUE_CHARS } from "../../protocol/json/size_limits.ts";

/**
 * Types for the bytes of an image or audio file.
 *
 * @example
 * ```ts
 * import { type MediaData, weaveImage } from "@weave-wal/client";
 *
 * const data: MediaData = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);
 * if (weaveImage({ data }).data !== data) throw new Error();
 * ```
 */
export type MediaData = Uint8Array | ArrayBuffer;

/**
 * An image, created by {@linkcode weaveImage}.
 *
 * @example
 * ```ts
 * import { type WeaveImage, weaveImage } from "@weave-wal/client";
 *
 * const image: WeaveImage = weaveImage({ data: new Uint8Array([0x89, 0x50, 0x4e, 0x47]) });
 * if (image._weaveType !== "Image") throw new Error(image._weaveType);
 * ```
 */
export interface WeaveImage<Data extends MediaData = MediaData> {
  /** Marks the object as an image. */
  readonly _weaveType: "Image";
  /** The bytes of the file. */
  data: Data;
  /** File format. */
  imageType?: "png";
}

/**
 * Audio, created by {@linkcode weaveAudio}.
 *
 * @example
 * ```ts
 * import { type WeaveAudio, weaveAudio } from "@weave-wal/client";
 *
 * const audio: WeaveAudio = weaveAudio({ data: new Uint8Array(44) });
 * if (audio._weaveType !== "Audio") throw new Error(audio._weaveType);
 * ```
 */
export interface WeaveAudio<Data extends MediaData = MediaData> {
  /** Marks the object as audio. */
  readonly _weaveType: "Audio";
  /** The bytes of the file. */
  data: Data;
  /** File format. */
  audioType?: "wav";
}

/**
 * Marks bytes as an image, which is saved as a file when it occurs in a call's inputs or output.
 *
 * @example
 * ```ts
 * import { weaveImage } from "@weave-wal/client";
 *
 * const image = weaveImage({ data: new Uint8Array([0x89, 0x50, 0x4e, 0x47]) });
 * if (image.imageType !== "png") throw new Error("Images are PNG files");
 * ```
 */
export function weaveImage<Data extends MediaData>(
  { data, imageType = "png" }: { data: Data; imageType?: "png" },
): WeaveImage<Data> {
  return { _weaveType: "Image", data, imageType };
}

/**
 * Marks bytes as audio (WAV), which is saved as a file when it occurs in a call's inputs or output.
 *
 * @example
 * ```ts
 * import { op, weaveAudio } from "@weave-wal/client";
 *
 * const speak = op((_text: string) => weaveAudio({ data: new Uint8Array(44) }), { name: "speak" });
 * if (speak("hello").audioType !== "wav") throw new Error("The default type is WAV");
 * ```
 */
export function weaveAudio<Data extends MediaData>(
  { data, audioType = "wav" }: { data: Data; audioType?: "wav" },
): WeaveAudio<Data> {
  return { _weaveType: "Audio", data, audioType };
}

/** The saved form of an image or audio. */
export interface MediaFile {
  /** Name of the type on the server. */
  readonly typeName: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/**
 * Maximum bytes of an image or audio that fit into a request; larger ones are described instead.
 */
const MAX_MEDIA_BYTES = MAX_VALUE_CHARS / 4 * 3;

/** Returns the saved form of `value` (not a proxy) if it is an image or audio. Runs no getter. */
export function mediaFile(value: object): MediaFile | undefined {
  if (!Object.hasOwn(value, "_weaveType")) return undefined;
  const type = readData(value, "_weaveType");
  if (type !== "Image" && type !== "Audio") return undefined;
  const bytes = bytesOf(readData(value, "data"));
  if (bytes === undefined || bytes.length > MAX_MEDIA_BYTES) return undefined;
  return type === "Image"
    ? { typeName: "PIL.Image.Image", fileName: "image.png", bytes }
    : { typeName: "wave.Wave_read", fileName: "audio.wav", bytes };
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    return data instanceof Uint8Array
      ? data
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (typeof data === "string") {
    return data.length > MAX_MEDIA_BYTES ? undefined : new TextEncoder().encode(data);
  }
  return !isProxy(data) && data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}
