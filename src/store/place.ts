// What a place is that keeps models, and how it asks for the part of the host that it needs.

import { UnsupportedHostError } from "../errors.ts";

/** Keeps one model. */
export interface Place {
  read(): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

/** A part of the host, or an error that names the place and what it needs. */
export function hostPart<Part>(part: Part | undefined, scheme: string, need: string): Part {
  if (part !== undefined && part !== null) return part;
  throw new UnsupportedHostError(`${scheme} needs ${need}, which this runtime does not have.`);
}
