// The interface of a place that stores models, and access to the part of the host that it needs.

import { UnsupportedHostError } from "../errors.ts";

/** A place for one model. */
export interface Place {
  read(): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

/** Returns a part of the host. Throws an error with the place and its needs if the host does not have the part. */
export function hostPart<Part>(part: Part | undefined, scheme: string, need: string): Part {
  if (part !== undefined && part !== null) return part;
  throw new UnsupportedHostError(`${scheme} needs ${need}, which this runtime does not have.`);
}
