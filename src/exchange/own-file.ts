// Opens a file that `save` of a model or a detector wrote. For any other file, the message says what the file is.

import { contentsOf, isSafetensors } from "../formats/contents.ts";
import { FormatError } from "../formats/errors.ts";
import { decodeSafetensors, type Safetensors } from "../formats/safetensors.ts";

/** The files of this package, by the text `format` in their metadata. */
const FILES = {
  "tied-autoencoder": { what: "a model", load: "TiedAutoencoder.load" },
  "tied-autoencoder-detector": { what: "a detector", load: "AnomalyDetector.load" },
} as const;

export type OwnFormat = keyof typeof FILES;

const isOwn = (format: string | undefined): format is OwnFormat =>
  format !== undefined && Object.hasOwn(FILES, format);

/**
 * The tensors and the metadata of a file in the format `wanted`.
 * @throws FormatError for a file of another kind, which it names, and for a damaged file
 */
export function openOwnFile(wanted: OwnFormat, bytes: Uint8Array): Safetensors {
  const { what, load } = FILES[wanted];
  const other = (found: string) =>
    new FormatError(`${load} expects a file that save() wrote for ${what}; got ${found}.`);
  if (!isSafetensors(bytes)) throw other(contentsOf(bytes));
  const file = opened(bytes);
  const { format } = file.metadata;
  if (format === wanted) return file;
  if (isOwn(format)) throw other(`${FILES[format].what}, use ${FILES[format].load}`);
  throw other("a safetensors file that this package did not write; fromStateDict reads weights");
}

/**
 * The tensors and the metadata of a safetensors file of another program.
 * @throws FormatError for a file of another kind or of this package, which it names, and for a damaged file
 */
export function openForeignFile(bytes: Uint8Array): Safetensors {
  const other = (found: string) =>
    new FormatError(
      `fromStateDict expects a safetensors file, as safetensors.torch.save_file writes it; got ${found}.`,
    );
  if (!isSafetensors(bytes)) throw other(contentsOf(bytes));
  const file = opened(bytes);
  const { format } = file.metadata;
  if (isOwn(format))
    throw other(`${FILES[format].what} of this package, use ${FILES[format].load}`);
  return file;
}

function opened(bytes: Uint8Array): Safetensors {
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const message = error.message.replace(/[^?]$/, "$&.");
    throw new FormatError(`The file is damaged: ${message}`, error.place);
  }
}
