// Where models are kept, by the beginning of the address. Each place reads, writes and removes one name.

import { InvalidTypeError, InvalidValueError, show, UnsupportedHostError } from "../errors.ts";
import { downloadPlace } from "./download.ts";
import { filePlace } from "./file.ts";
import { indexedDbPlace } from "./indexed-db.ts";
import { opfsPlace } from "./opfs.ts";

export interface Place {
  read(): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

const PLACES: Record<string, (name: string) => Place> = {
  "indexeddb://": indexedDbPlace,
  "opfs://": opfsPlace,
  "download://": downloadPlace,
  "file:": filePlace,
};

/** The place of an address such as `"indexeddb://digits"`. */
export function placeOf(where: unknown): Place {
  if (typeof where !== "string") {
    throw new InvalidTypeError(`A place is a string such as ${FORMS}; got ${show(where)}.`);
  }
  const scheme = Object.keys(PLACES).find((start) => where.startsWith(start));
  const place = scheme === undefined ? undefined : PLACES[scheme];
  const name = where.slice(scheme?.length);
  if (!place || name === "") {
    throw new InvalidValueError(`A place is ${FORMS}, with a name; got ${show(where)}.`);
  }
  return place(name);
}

const FORMS = '"indexeddb://name", "opfs://name", "download://name" or "file:path"';

/** A part of the host, or an error that names the place and what it needs. */
export function hostPart<Part>(part: Part | undefined, scheme: string, need: string): Part {
  if (part !== undefined && part !== null) return part;
  throw new UnsupportedHostError(`${scheme} needs ${need}, which this runtime does not have.`);
}
