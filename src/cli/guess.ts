// Finds the name that a mistyped one may mean.

import { visible } from "./text.ts";

/** `; perhaps …` if one of the names is similar to the typed one. */
export function didYouMean(typed: string, names: readonly string[]): string {
  if (typed.length > 100 || names.length > 10_000) return "";
  const [best] = names
    .filter((name) => name.length <= 100)
    .map((name) => ({ name, distance: editDistance(typed, name) }))
    .sort((a, b) => a.distance - b.distance);
  const bare = (name: string) => name.replace(/^-+/, "").length;
  if (!best || best.distance > Math.ceil(bare(typed) / 3)) return "";
  if (best.distance >= Math.min(bare(typed), bare(best.name))) return ""; // nothing in common
  return `; perhaps ${visible(best.name)} is meant`;
}

function editDistance(a: string, b: string): number {
  // row[j] is the distance from the processed part of `a` to the first j characters of `b`.
  const row = Uint32Array.from({ length: b.length + 1 }, (_, j) => j);
  let last = b.length;
  for (const [i, letter] of [...a].entries()) {
    let diagonal = i;
    last = i + 1;
    row[0] = last;
    for (const [j, other] of [...b].entries()) {
      const above = row[j + 1] ?? 0;
      last = Math.min(diagonal + (letter === other ? 0 : 1), above + 1, last + 1);
      diagonal = above;
      row[j + 1] = last;
    }
  }
  return last;
}
