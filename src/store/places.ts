// The places that store models, by the scheme of the address. Each place reads, writes and removes one name.

import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { downloadPlace } from "./download.ts";
import { filePlace } from "./file.ts";
import { indexedDbPlace } from "./indexed-db.ts";
import { opfsPlace } from "./opfs.ts";
import type { Place } from "./place.ts";

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
