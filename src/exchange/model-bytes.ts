// The forms in which a caller can give a model's file: bytes, or an object with `arrayBuffer()`.

import { InvalidValueError } from "../errors.ts";
import { bytesOf } from "../platform/tags.ts";

/** A model's file: bytes, or an object with `arrayBuffer()`, such as a Blob, a File or a Response. */
export type ModelBytes =
  | Uint8Array
  | ArrayBuffer
  | {
      /** The bytes of the file. */
      arrayBuffer(): PromiseLike<ArrayBuffer>;
      /** For a Response: whether the request succeeded. */
      readonly ok?: boolean;
      /** For a Response: the status of the request, for the message of an error. */
      readonly status?: number;
    };

/** The bytes of a file. Given bytes are not copied. */
export async function bytesOfFile(file: ModelBytes): Promise<Uint8Array> {
  if (typeof file !== "object" || file === null || !("arrayBuffer" in file)) {
    return bytesOf("load's file", file);
  }
  if (file.ok === false) {
    throw new InvalidValueError(
      `load's file is a response with status ${file.status}; the model was not found there.`,
    );
  }
  return new Uint8Array(await file.arrayBuffer());
}
