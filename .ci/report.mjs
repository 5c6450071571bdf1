// The result of a run of vitest from its JSON report: the numbers of passed and failed tests on the first line, and then the
// failed tests with the first lines of their messages.

import { readFileSync } from "node:fs";

const MESSAGE_LINES = 6;

const { numPassedTests, testResults } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const failed = testResults.flatMap(({ name, status, message, assertionResults }) => {
  const tests = assertionResults
    .filter((test) => test.status === "failed")
    .map((test) => ({ title: `${name} > ${test.fullName}`, message: test.failureMessages[0] }));
  // A file that cannot be loaded has no tests.
  return status === "failed" && tests.length === 0 ? [{ title: name, message }] : tests;
});
console.log(`${numPassedTests} ${failed.length}`);
for (const { title, message = "" } of failed) {
  const lines = message.split("\n").slice(0, MESSAGE_LINES);
  console.log([title, ...lines].join("\n  "));
}
