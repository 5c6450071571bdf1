// The codes that a configuration can name.

import { type AnyCode, denseCode } from "../layers/code.ts";
import { gaussianCode } from "../layers/gaussian.ts";
import { batchTopKCode, topKCode } from "../layers/top-k.ts";
import { type NameOf, Registry, type ResolvedOf, type SpecOf, shortForm } from "../options.ts";

const definitions = [denseCode, topKCode, batchTopKCode, gaussianCode];
type Codes = (typeof definitions)[number];

export const codes = new Registry<AnyCode, Codes>("code", definitions);

/** The name of a code. */
export type CodeName = NameOf<Codes>;

/** A code by name, or with its options. */
export type CodeSpec = SpecOf<Codes>;

/** A code with every default filled in, or only its name if it has no options. */
export type CodeConfig = ResolvedOf<Codes> | CodeName;

/** Checks a code and fills in its options. */
export function resolveCode(spec: unknown): CodeConfig {
  return shortForm(codes.resolve("code", spec));
}
