// Checks that everything public has a docstring: every name that an entry exports, every type that these mention, and
// every member of both. The docstring of an optional option must state its default. Prints what is missing, one name a line.
// The exit code is then 1.

import { fileURLToPath } from "node:url";
import { readPublicApi } from "./public-api.mjs";

/** Types that copy an interface of the platform or of another library. Their own docstring names it. */
const COPIES = /Like$|^CanvasContext$/;

/** Documented in docs/abi.md, which test/abi.test.ts compares with the exports. */
const KERNELS = "KernelExports";

/** Members that have the same meaning in every type. */
const SELF_EVIDENT = ["[Symbol.dispose]", "type"];

/** Types whose optional members are options. */
const OPTIONS = /(Options|Config|Input)$/;

/**
 * The names without a docstring and the options without a default: one line each, with the file.
 * @returns {string[]}
 */
export function missingDocstrings(api = readPublicApi()) {
  const missing = new Set();
  for (const { exports, used } of api) {
    for (const one of [...exports, ...used]) {
      if (isEmpty(one)) missing.add(`${one.file}: ${one.name} has no docstring`);
      if (COPIES.test(one.name) || one.name === KERNELS) continue;
      for (const member of [...one.statics, ...one.members, ...one.variants.flat()]) {
        const fault = faultOf(one, member);
        if (fault) missing.add(`${member.file}: ${one.name}.${member.name} ${fault}`);
      }
    }
  }
  return [...missing].sort();
}

function faultOf(one, member) {
  if (SELF_EVIDENT.includes(member.name) || (one.kind === "error" && member.name === "name")) {
    return undefined;
  }
  if (isEmpty(member)) return "has no docstring";
  const text = [member.doc, ...member.tags.map(({ name, text }) => `${name} ${text}`)].join(" ");
  const isOption = member.optional && OPTIONS.test(one.name);
  return isOption && !/default/i.test(text) ? "states no default" : undefined;
}

const isEmpty = ({ doc, tags }) => doc === "" && tags.length === 0;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = missingDocstrings();
  for (const line of missing) console.log(line);
  console.log(`${missing.length} docstrings are missing`);
  process.exit(missing.length > 0 ? 1 : 0);
}
